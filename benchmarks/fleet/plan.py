"""What a fleet is to do."""

from dataclasses import dataclass

HEARTBEATS_OF_A_TTL = 3
# A heartbeat's interval is so much shorter or longer than the last: of 20 s, 2.
JITTER = 0.1


@dataclass(frozen=True)
class Plan:
    """How many agents for how long, and what happens to them.

    `deaths`, `restarts` and `stops` are shares of the agents, within `duration`; `bad` is a share
    of the heartbeats. `token` is an access token to register and read with; None where none is
    asked for. `leave`: at the end, deregister the agents. `connections`: for heartbeats, as a proxy
    in front of a fleet would keep them. `registrations`: at most so many a second, which a registry
    with its default rates takes. `listing_interval`: seconds between two readings of the listing,
    at least.
    """

    agents: int
    ttl: int
    duration: float
    token: str | None = None
    deaths: float = 0.01
    restarts: float = 0.01
    stops: float = 0.005
    bad: float = 0.005
    leave: bool = True
    connections: int = 256
    registrations: float = 800.0
    listing_interval: float = 5.0
    seed: int = 1

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats of an agent, but for the jitter."""
        return self.ttl / HEARTBEATS_OF_A_TTL

    def count(self, share: float) -> int:
        """Return how many agents a share of them is; one at least, unless it is none."""
        return max(1, round(self.agents * share)) if share > 0 else 0
