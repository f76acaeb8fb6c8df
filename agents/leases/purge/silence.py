"""How silent agents are, not counting time in which the registry was down."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from agents.database.clock import expired_sql
from agents.leases.purge.hold import LONGEST_HOLD
from agents.leases.purge.registry_uptime import silent_since_sql

SMALLEST_SHARE = 10  # one agent in so many, for the share of heartbeats to count

# Seconds. Agents that are cut off together are all silent when the first lease ends, as heartbeats
# come each third of a TTL.
TWO_THIRDS = "((ttl_seconds * 2 + 2) / 3)"  # rounded up
WHOLE_TTL = "ttl_seconds"
LONGER_THAN_A_HOLD = f"(ttl_seconds + {int(LONGEST_HOLD.total_seconds())})"


class Silence(IntEnum):
    """`OVERDUE`: expired longer ago than a hold may last."""

    HEARD = 0
    SILENT = 1
    EXPIRED = 2
    OVERDUE = 3


@dataclass(frozen=True)
class Share:
    agents: int = 0
    heartbeats: int = 0  # in a day

    def is_most_of(self, fleet: "Share") -> bool:
        """Whether this is more than half, by agents or by heartbeats.

        By heartbeats, because it takes hours until agents with long TTLs are silent; but a handful
        with tiny TTLs does not stand for a fleet.
        """
        if 2 * self.agents > fleet.agents:
            return True
        is_representative = SMALLEST_SHARE * self.agents >= fleet.agents
        return is_representative and 2 * self.heartbeats > fleet.heartbeats


def total(shares: Iterable[Share]) -> Share:
    parts = list(shares)
    return Share(sum(part.agents for part in parts), sum(part.heartbeats for part in parts))


def silent_for_sql(seconds: str) -> str:
    """To be executed with parameters."""
    return expired_sql(silent_since_sql(), seconds)


def silence_sql() -> str:
    """Return SQL for the number of a Silence. To be executed with parameters."""
    return (
        f"CASE WHEN NOT {silent_for_sql(TWO_THIRDS)} THEN {Silence.HEARD}"
        f" WHEN NOT {silent_for_sql(WHOLE_TTL)} THEN {Silence.SILENT}"
        f" WHEN NOT {silent_for_sql(LONGER_THAN_A_HOLD)} THEN {Silence.EXPIRED}"
        f" ELSE {Silence.OVERDUE} END"
    )
