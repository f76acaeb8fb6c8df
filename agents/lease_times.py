"""What follows from a lease's last heartbeat and its TTL, for whatever has them."""

from datetime import datetime, timedelta
from typing import Protocol


class Leased(Protocol):
    """`ttl_seconds`: for how long the lease lasts after the last heartbeat."""

    @property
    def last_heartbeat(self) -> datetime: ...
    @property
    def ttl_seconds(self) -> int: ...


class LeaseTimes:
    __slots__ = ()

    @property
    def expires_at(self: Leased) -> datetime:
        """When the lease ends, unless a heartbeat comes before."""
        return self.last_heartbeat + timedelta(seconds=self.ttl_seconds)

    @property
    def heartbeat_interval(self: Leased) -> float:
        """Seconds between two heartbeats that the registry asks for: a third of the TTL."""
        return round(self.ttl_seconds / 3, 3)
