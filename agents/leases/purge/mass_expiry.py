"""If many agents fall silent at once, the network is probably to blame."""

from dataclasses import dataclass

from django.db import connection

from agents.database.clock import expired_sql
from agents.database.tables import table
from agents.durations import in_words
from agents.leases.fleet.count import Count
from agents.leases.purge.hold import Hold, current_hold
from agents.leases.purge.silence import (
    LONGER_THAN_A_HOLD,
    WHOLE_TTL,
    Share,
    Silence,
    silent_for_sql,
)
from agents.models import AgentRecord

FEWEST_SILENT = 10


@dataclass(frozen=True)
class Assessment:
    """`silent` includes `expired`. `fleet` and `silent` exclude `overdue`."""

    fleet: Share
    silent: Share
    expired: int
    overdue: int
    hold: Hold | None

    @property
    def must_hold(self) -> bool:
        """No second hold follows: short-lived agents could extend it forever."""
        too_many = self.silent.agents >= FEWEST_SILENT and self.silent.is_most_of(self.fleet)
        return self.expired > 0 and too_many and not (self.hold and self.hold.is_over)

    @property
    def is_recovering(self) -> bool:
        return self.hold is not None and not self.hold.is_over and not self.must_hold

    @property
    def purgeable(self) -> int:
        return self.overdue if self.must_hold else self.overdue + self.expired

    def explain(self, *, purged: int, force: bool) -> str:
        numbers = f"{self.silent.agents:,} of {self.fleet.agents:,} agents are silent"
        if self.must_hold and not force:
            return f"{numbers}; {self.expired:,} expired agents held"
        if self.hold and self.hold.is_over and not force:
            numbers = f"held for {in_words(self.hold.lasted.total_seconds())}, the longest allowed"
        return f"{numbers}; {purged:,} purged"


def assess(count: Count) -> Assessment:
    return Assessment(
        fleet=count.share(Silence.HEARD, Silence.SILENT, Silence.EXPIRED),
        silent=count.share(Silence.SILENT, Silence.EXPIRED),
        expired=count.share(Silence.EXPIRED).agents,
        overdue=count.share(Silence.OVERDUE).agents,
        hold=current_hold(),
    )


def purgeable_sql(*, on_hold: bool) -> str:
    return silent_for_sql(LONGER_THAN_A_HOLD if on_hold else WHOLE_TTL)


def count_excused() -> int:
    """Return how many expired agents are kept because the registry was down."""
    condition = f"{expired_sql()} AND NOT {silent_for_sql(WHOLE_TTL)}"
    sql = f"SELECT COUNT(*) FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return int(cursor.fetchone()[0])
