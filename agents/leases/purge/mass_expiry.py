"""Whether so many agents are silent at once that the network is probably to blame.

Then expired agents are held, so that their next heartbeat renews them.
"""

from dataclasses import dataclass

from django.db import connection

from agents.database.clock import expired_sql
from agents.database.tables import table
from agents.durations import in_words
from agents.leases.purge.hold import LONGEST_HOLD, Hold, current_hold
from agents.leases.purge.registry_uptime import silent_since_sql
from agents.models import MAX_TTL_SECONDS, AgentRecord

FEWEST_SILENT = 10  # fewer hold nothing
SMALLEST_SHARE = 10  # one agent in so many, for the share of heartbeats to count

# Seconds. Agents that are cut off together are all silent when the first lease ends, as heartbeats
# come each third of a TTL.
SILENT = "((ttl_seconds * 2 + 2) / 3)"  # two thirds, rounded up
EXPIRED = "ttl_seconds"
OVERDUE = f"(ttl_seconds + {int(LONGEST_HOLD.total_seconds())})"


@dataclass(frozen=True)
class Share:
    agents: int = 0
    heartbeats: int = 0  # in a day

    def __add__(self, other: "Share") -> "Share":
        return Share(self.agents + other.agents, self.heartbeats + other.heartbeats)

    def is_most_of(self, fleet: "Share") -> bool:
        """Whether this is more than half, by agents or by heartbeats.

        By heartbeats, because it takes hours until agents with long TTLs are silent; but a handful
        with tiny TTLs does not stand for a fleet.
        """
        if 2 * self.agents > fleet.agents:
            return True
        is_representative = SMALLEST_SHARE * self.agents >= fleet.agents
        return is_representative and 2 * self.heartbeats > fleet.heartbeats


@dataclass(frozen=True)
class Assessment:
    """How silent the fleet is, not counting time in which the registry was down.

    `overdue`: expired longer ago than a hold may last, and in neither `fleet` nor `silent`.
    `expired`: those of `silent` whose lease has ended.
    """

    fleet: Share
    silent: Share
    expired: int
    overdue: int
    hold: Hold | None

    @property
    def must_hold(self) -> bool:
        """A hold that is over stays so, or short-lived agents could extend it forever."""
        too_many = self.silent.agents >= FEWEST_SILENT and self.silent.is_most_of(self.fleet)
        return self.expired > 0 and too_many and not (self.hold and self.hold.is_over)

    @property
    def is_recovering(self) -> bool:
        """The hold ends because most of the fleet is heard again."""
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


def assess_fleet() -> Assessment:
    shares = _shares_by_silence()
    silent = shares.get("silent", Share()) + shares.get("expired", Share())
    return Assessment(
        fleet=shares.get("heard", Share()) + silent,
        silent=silent,
        expired=shares.get("expired", Share()).agents,
        overdue=shares.get("overdue", Share()).agents,
        hold=current_hold(),
    )


def purgeable_sql(*, on_hold: bool) -> str:
    """To be executed with parameters."""
    return _silent_for(OVERDUE if on_hold else EXPIRED)


def count_excused() -> int:
    """Return how many are expired, but kept because the registry was down."""
    condition = f"{expired_sql()} AND NOT {_silent_for(EXPIRED)}"
    sql = f"SELECT COUNT(*) FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return int(cursor.fetchone()[0])


def _shares_by_silence() -> dict[str, Share]:
    # 'heard' comes first: one comparison decides for nearly all agents.
    silence = (
        f"CASE WHEN NOT {_silent_for(SILENT)} THEN 'heard'"
        f" WHEN NOT {_silent_for(EXPIRED)} THEN 'silent'"
        f" WHEN NOT {_silent_for(OVERDUE)} THEN 'expired' ELSE 'overdue' END"
    )
    sql = (
        f"SELECT {silence} AS silence, COUNT(*), SUM({MAX_TTL_SECONDS} / ttl_seconds)"  # noqa: S608
        f" FROM {table(AgentRecord)} GROUP BY silence"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return {name: Share(agents, heartbeats) for name, agents, heartbeats in cursor.fetchall()}


def _silent_for(seconds: str) -> str:
    return expired_sql(silent_since_sql(), seconds)
