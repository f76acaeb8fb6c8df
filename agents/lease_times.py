from datetime import datetime, timedelta
from typing import Protocol

# A lease outlives one lost heartbeat.
HEARTBEATS_PER_TTL = 3


class Leased(Protocol):
    @property
    def last_heartbeat(self) -> datetime: ...
    @property
    def ttl_seconds(self) -> int: ...


class LeasedUntil(Leased, Protocol):
    @property
    def expires_at(self) -> datetime: ...


class LeaseTimes:
    __slots__ = ()

    @property
    def expires_at(self: Leased) -> datetime:
        return self.last_heartbeat + timedelta(seconds=self.ttl_seconds)

    @property
    def heartbeat_interval(self: Leased) -> float:
        return round(self.ttl_seconds / HEARTBEATS_PER_TTL, 3)

    def is_expiring_soon(self: LeasedUntil, now: datetime) -> bool:
        left = self.expires_at - now
        return timedelta(0) < left * HEARTBEATS_PER_TTL < timedelta(seconds=self.ttl_seconds)
