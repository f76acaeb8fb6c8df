"""The parameters of a run."""

from dataclasses import dataclass

HEARTBEATS_OF_A_TTL = 3
# Each interval varies randomly by up to this share: a 20 s interval by 2 s.
JITTER = 0.1


@dataclass(frozen=True)
class Plan:
    """`ttl` and `duration` are in seconds.

    `deaths`, `restarts`, `stops`: shares of the agents, within `duration`. `bad`: bad requests, as
    a share of the heartbeats. `token`: an access token to register and read with. `leave`:
    deregister at the end. `connections`: kept connections for heartbeats. `registrations`: per
    second, at most; below the registry's default rate. `listing_interval`: seconds between two
    readings, at least.
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
        """Seconds between two heartbeats of an agent, without jitter."""
        return self.ttl / HEARTBEATS_OF_A_TTL

    def count(self, share: float) -> int:
        """Return this share of the agents as a number, at least one unless the share is 0."""
        return max(1, round(self.agents * share)) if share > 0 else 0
