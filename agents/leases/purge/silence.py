from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from agents.database.clock import expired_sql
from agents.leases.purge.hold import LONGEST_HOLD
from agents.leases.purge.registry_uptime import silent_since_sql

SMALLEST_SHARE = 10

# When the first lease of agents cut off together ends, all have been silent for two thirds of their
# TTL.
TWO_THIRDS = "((ttl_seconds * 2 + 2) / 3)"  # seconds, rounded up
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
    heartbeats: int = 0  # per day

    def is_most_of(self, fleet: "Share") -> bool:
        """By agents or by heartbeats, since long TTLs take hours to end.

        A few agents with tiny TTLs do not represent a fleet.
        """
        if 2 * self.agents > fleet.agents:
            return True
        is_representative = SMALLEST_SHARE * self.agents >= fleet.agents
        return is_representative and 2 * self.heartbeats > fleet.heartbeats


def total(shares: Iterable[Share]) -> Share:
    parts = list(shares)
    return Share(sum(part.agents for part in parts), sum(part.heartbeats for part in parts))


def silent_for_sql(seconds: str) -> str:
    return expired_sql(silent_since_sql(), seconds)


def silence_sql() -> str:
    return (
        f"CASE WHEN NOT {silent_for_sql(TWO_THIRDS)} THEN {Silence.HEARD}"
        f" WHEN NOT {silent_for_sql(WHOLE_TTL)} THEN {Silence.SILENT}"
        f" WHEN NOT {silent_for_sql(LONGER_THAN_A_HOLD)} THEN {Silence.EXPIRED}"
        f" ELSE {Silence.OVERDUE} END"
    )
