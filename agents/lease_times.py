"""What follows from a lease's last heartbeat and its TTL, for whatever has them."""

from datetime import datetime, timedelta
from typing import Protocol

# A TTL has room for so many heartbeats, and so for one that is lost.
HEARTBEATS_PER_TTL = 3


class Leased(Protocol):
    """`ttl_seconds`: for how long the lease lasts after the last heartbeat."""

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
        """When the lease ends, unless a heartbeat comes before."""
        return self.last_heartbeat + timedelta(seconds=self.ttl_seconds)

    @property
    def heartbeat_interval(self: Leased) -> float:
        """Seconds between two heartbeats that the registry asks for: a third of the TTL."""
        return round(self.ttl_seconds / HEARTBEATS_PER_TTL, 3)

    def is_expiring_soon(self: LeasedUntil, now: datetime) -> bool:
        """Whether less than a third of the lease is left at `now`: two heartbeats are missed."""
        left = self.expires_at - now
        return timedelta(0) < left * HEARTBEATS_PER_TTL < timedelta(seconds=self.ttl_seconds)
