"""The parameters of a run."""

from dataclasses import dataclass

HEARTBEATS_OF_A_TTL = 3
# The requirement: so many agents register within so many seconds.
AGENTS, SECONDS = 100_000, 90.0
# Agents that were refused wait for up to 15 s, however few they are.
SHORTEST = 30.0
# When to give up, as a multiple of the time allowed.
PATIENCE = 4
REQUEST_SECONDS = 10.0


@dataclass(frozen=True)
class Plan:
    """`agents` have lost their records and come back; `living` others live on.

    They register at once, or, if `finds_out`, when their next heartbeat gets 404. `ttl` is in
    seconds. `addresses`: how many addresses they call from, 0 for one each. `connections`: of the
    proxy in front, as many for heartbeats as for registrations. `calm` and `watch`: seconds before
    the storm and after it.
    """

    agents: int
    living: int
    ttl: int = 60
    tokens: int = 20
    addresses: int = 0
    connections: int = 512
    calm: float = 5.0
    watch: float = 30.0
    finds_out: bool = False

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats of an agent."""
        return self.ttl / HEARTBEATS_OF_A_TTL

    @property
    def request_seconds(self) -> float:
        """How long an agent waits for a response, as the client in `deploygen` does."""
        return min(REQUEST_SECONDS, self.interval)

    @property
    def seconds_allowed(self) -> float:
        return max(SHORTEST, SECONDS * self.agents / AGENTS)
