"""Pauses purging while the network is probably to blame."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Subquery

from agents.database.clock import DatabaseNow
from agents.history.feed import newest_first
from agents.history.record import Kind
from agents.models import SweepMark

LONGEST_HOLD = timedelta(minutes=15)


@dataclass(frozen=True)
class Hold:
    since: datetime
    lasted: timedelta

    @property
    def until(self) -> datetime:
        return self.since + LONGEST_HOLD

    @property
    def is_over(self) -> bool:
        # Negative if the database's clock was set back.
        return not timedelta(0) <= self.lasted < LONGEST_HOLD


def current_hold() -> Hold | None:
    begin = newest_first(agent_id="").filter(kind=Kind.PURGE_HELD)
    mark = (
        SweepMark.objects.filter(held__gt=0, at__gt=DatabaseNow() - LONGEST_HOLD)
        .annotate(since=Subquery(begin.values("at")[:1]), read_at=DatabaseNow())
        .first()
    )
    if mark is None or mark.since is None:
        return None
    return Hold(since=mark.since, lasted=mark.read_at - mark.since)
