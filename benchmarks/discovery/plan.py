"""The parameters of a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """`ttl`, `duration` and `idle_seconds` are in seconds, `actions` per second.

    `bound`: seconds from an expiry to its event, at most. `crowd`: watchers whose cost is measured
    while nothing changes.
    """

    agents: int = 200
    watchers: int = 50
    ttl: int = 5
    duration: float = 60.0
    actions: float = 10.0
    bound: float = 1.0
    crowd: int = 1_000
    idle_seconds: float = 60.0
    seed: int = 1

    @property
    def filtered(self) -> int:
        """How many of the watchers follow agents with a tag only."""
        return self.watchers // 5
