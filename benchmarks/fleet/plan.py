"""The parameters of a run."""

from dataclasses import dataclass

HEARTBEATS_OF_A_TTL = 3
# Each interval varies randomly by up to this share: a 20 s interval by 2 s.
JITTER = 0.1
MOST = 1_000  # deaths, restarts and stops, of each


@dataclass(frozen=True)
class Plan:
    """`ttl` and `duration` are in seconds.

    `deaths`, `restarts`, `stops`: shares of the agents, within `duration`. `bad`: bad requests, as
    a share of the heartbeats. `token`: an access token to register and read with. `leave`:
    deregister at the end. `connections`: kept connections for heartbeats. `registrations`: per
    second, at most; below the registry's default rate. `registering`: kept connections for these.
    `listing_interval`: seconds between two readings, at least.

    `relays` send the heartbeats of all agents but `singles`, which send their own.
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
    registering: int = 8
    listing_interval: float = 5.0
    relays: int = 0
    singles: int = 1_000
    seed: int = 1

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats of an agent, without jitter."""
        return self.ttl / HEARTBEATS_OF_A_TTL

    def count(self, share: float) -> int:
        """Return this share of the agents as a number, at least one unless the share is 0.

        It is at most MOST, as each costs several requests.
        """
        return min(max(1, round(self.agents * share)), MOST) if share > 0 else 0

    def is_relayed(self, number: int) -> bool:
        """Whether the agent of this number, from 0 on, is behind a relay."""
        return self.relays > 0 and number >= self.singles
