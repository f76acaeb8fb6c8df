"""Whether so many agents fall silent at once that the network is to blame rather than they.

Then their records are not purged yet. They are not listed; but when the network is back, their
next heartbeat renews them, and nobody has to register again. Nothing but purging is held.
"""

from dataclasses import dataclass

from django.db import connection

from agents.database.clock import ended_sql
from agents.database.tables import table
from agents.durations import in_words
from agents.leases.purge.registry_uptime import silent_since_sql
from agents.leases.purge.sweep_mark import LONGEST_HOLD, Hold, current_hold
from agents.models import MAX_TTL_SECONDS, AgentRecord

# Fewer are purged, whatever share of the fleet they are.
FEWEST_SILENT = 10
# By heartbeats, at least one agent in so many has to be silent.
SMALLEST_SHARE = 10

# After how many seconds a lease is what. Agents send a heartbeat each third of their TTL, so that
# in a fleet that is cut off all are silent when the first lease ends.
SILENT = "((ttl_seconds * 2 + 2) / 3)"  # two thirds, rounded up
EXPIRED = "ttl_seconds"
OVERDUE = f"(ttl_seconds + {int(LONGEST_HOLD.total_seconds())})"


@dataclass(frozen=True)
class Share:
    """Some agents: how many they are, and how many heartbeats they owe, in whatever time."""

    agents: int = 0
    heartbeats: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.agents + other.agents, self.heartbeats + other.heartbeats)

    def is_most_of(self, fleet: "Share") -> bool:
        """Whether this is more than half of `fleet`: of its agents, or of its heartbeats.

        Agents with long TTLs are silent for hours as it is. That nothing is heard is told by the
        others, be they the fewer; but a handful with tiny TTLs does not speak for a fleet.
        """
        if 2 * self.agents > fleet.agents:
            return True
        speaks_for_it = SMALLEST_SHARE * self.agents >= fleet.agents
        return speaks_for_it and 2 * self.heartbeats > fleet.heartbeats


@dataclass(frozen=True)
class Judgement:
    """What the silence of the fleet looks like. Without the registry at work, nobody is silent.

    `fleet` and `silent` are without the `overdue`, who expired longer ago than a hold may last.
    `expired` are those of the silent whose lease has ended. `hold` is what earlier sweeps began.
    """

    fleet: Share
    silent: Share
    expired: int
    overdue: int
    hold: Hold | None

    @property
    def holds(self) -> bool:
        """Whether those that expired are to be kept. A hold that lasted long enough is none.

        Otherwise a fleet whose agents live for minutes, and end without a word, would feed one
        hold for ever, though each agent were held no longer than is allowed.
        """
        too_many = self.silent.agents >= FEWEST_SILENT and self.silent.is_most_of(self.fleet)
        return self.expired > 0 and too_many and not (self.hold and self.hold.is_over)

    @property
    def is_recovering(self) -> bool:
        """Whether a hold ends because most of the fleet are heard again."""
        return self.hold is not None and not self.hold.is_over and not self.holds

    @property
    def purgeable(self) -> int:
        return self.overdue if self.holds else self.overdue + self.expired

    def explain(self, *, purged: int, force: bool) -> str:
        """Say why a sweep purged what it purged, and left what it left."""
        numbers = f"{self.silent.agents:,} of {self.fleet.agents:,} agents are silent"
        if self.holds and not force:
            return f"{numbers}; {self.expired:,} that expired are kept"
        if self.hold and self.hold.is_over and not force:
            numbers = f"held for {in_words(self.hold.lasted.total_seconds())}, as long as may be"
        return f"{numbers}; {purged:,} purged"


def judge() -> Judgement:
    """Look at the whole fleet, in one pass over its records."""
    shares = _shares_by_silence()
    silent = shares.get("silent", Share()) + shares.get("expired", Share())
    return Judgement(
        fleet=shares.get("heard", Share()) + silent,
        silent=silent,
        expired=shares.get("expired", Share()).agents,
        overdue=shares.get("overdue", Share()).agents,
        hold=current_hold(),
    )


def purgeable_sql(*, holds: bool) -> str:
    """Return SQL for whether a sweep may purge a lease; to be executed with parameters."""
    return _silent_for(OVERDUE if holds else EXPIRED)


def count_excused() -> int:
    """Return how many leases have ended, and are not purged for outages of the registry itself."""
    condition = f"{ended_sql(connection)} AND NOT {_silent_for(EXPIRED)}"
    sql = f"SELECT COUNT(*) FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return int(cursor.fetchone()[0])


def _shares_by_silence() -> dict[str, Share]:
    # Nearly all have been heard, and are done after one comparison.
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
    return ended_sql(connection, silent_since_sql(), seconds)
