"""Whether the expired are being purged, told by the mark that each sweep leaves."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Subquery

from agents.database.clock import DatabaseNow
from agents.history.feed import newest_first
from agents.history.record import record_event
from agents.models import AgentEvent, SweepMark

# So many sweeps may be missed before somebody is told.
MISSED_SWEEPS = 4
# How long purging may wait because too many agents expired at once.
LONGEST_HOLD = timedelta(minutes=15)
_started = time.monotonic()

Kind = AgentEvent.Kind


@dataclass(frozen=True)
class SweepReport:
    """`last_purge`: when the last sweep ended, None when there was none yet.

    `purged` and `held`: how many agents that sweep purged, and how many it left, since too many
    expired at once. `age`: seconds since then.
    """

    last_purge: datetime | None
    overdue: bool
    age: float | None = None
    purged: int = 0
    held: int = 0
    purged_in_total: int = 0


@dataclass(frozen=True)
class Hold:
    """Sweeps have been leaving the expired where they are, since the one at `since`."""

    since: datetime
    lasted: timedelta

    @property
    def until(self) -> datetime:
        """When it ends at the latest."""
        return self.since + LONGEST_HOLD

    @property
    def is_over(self) -> bool:
        # One that begins in the future began before the database's clock was set back.
        return not timedelta(0) <= self.lasted < LONGEST_HOLD


def report_sweeps() -> SweepReport:
    """Return when the last sweep was, what it did, and whether the next is overdue.

    A registry that has just been started, after whatever pause, gets the time to sweep first.
    """
    mark = SweepMark.objects.annotate(read_at=DatabaseNow()).first()
    patience = MISSED_SWEEPS * settings.SWEEP_INTERVAL_SECONDS
    waited = time.monotonic() - _started
    if mark is None:
        return SweepReport(last_purge=None, overdue=waited > patience)
    age = (mark.read_at - mark.at).total_seconds()
    return SweepReport(
        last_purge=mark.at,
        overdue=min(waited, age) > patience,
        age=age,
        purged=mark.purged,
        held=mark.held,
        purged_in_total=mark.purged_in_total,
    )


def current_hold() -> Hold | None:
    """Return the hold that the last sweep left behind, if it did.

    A sweep that is longer ago than a hold may last left none: what was held then is gone.
    """
    begin = newest_first(agent_id="").filter(kind=Kind.PURGE_HELD)
    mark = (
        SweepMark.objects.filter(held__gt=0, at__gt=DatabaseNow() - LONGEST_HOLD)
        .annotate(since=Subquery(begin.values("at")[:1]), read_at=DatabaseNow())
        .first()
    )
    if mark is None or mark.since is None:
        return None
    return Hold(since=mark.since, lasted=mark.read_at - mark.since)


def leave_mark(
    *, purged: int, held: int, actor: str, reason: str, forced: bool = False
) -> AgentEvent.Kind | None:
    """Record what a sweep did; return which turn it was, if it was one, and tell the history.

    A turn is the begin of a hold, its end, or a purge that was `forced`.
    """
    with transaction.atomic():
        first = SweepMark(id=1, at=DatabaseNow(), purged=0)
        SweepMark.objects.bulk_create([first], ignore_conflicts=True)
        mark = SweepMark.objects.select_for_update().get()
        turn: AgentEvent.Kind | None
        if forced:
            turn = Kind.PURGE_FORCED
        elif held:
            turn = None if current_hold() else Kind.PURGE_HELD
        else:
            turn = Kind.PURGE_RESUMED if mark.held else None
        total = F("purged_in_total") + purged
        SweepMark.objects.update(at=DatabaseNow(), purged=purged, held=held, purged_in_total=total)
        if turn is not None:
            record_event(turn, actor=actor, reason=reason)
    return turn
