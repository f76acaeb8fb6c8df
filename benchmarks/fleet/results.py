"""Counts of responses, and the errors found."""

from array import array
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from benchmarks.fleet.agent import MAX_DEATH_DELAY
from benchmarks.wire.pool import Response


@dataclass
class Results:
    """Counts by request and status; ids of agents with errors.

    `death_delays`: for each death, the seconds from the end of the lease until it was seen gone.
    """

    responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    bad_client_responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    # For each heartbeat, the seconds from its due time to its response.
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    # The same for each call of a relay; `relayed`: the leases that these renewed.
    bulk_latencies: "array[float]" = field(default_factory=lambda: array("d"))
    relayed: int = 0
    death_delays: list[float] = field(default_factory=list)
    false_expiries: set[str] = field(default_factory=set)
    missed_deaths: set[str] = field(default_factory=set)
    lapsed: set[str] = field(default_factory=set)
    stops: int = 0
    restarts: int = 0
    listings: int = 0
    longest_listing: float = 0.0  # seconds

    @property
    def is_clean(self) -> bool:
        found = self.errors or self.false_expiries or self.missed_deaths or self.lapsed
        return not found and self.longest_death_delay <= MAX_DEATH_DELAY

    @property
    def longest_death_delay(self) -> float:
        return max(self.death_delays, default=0.0)

    @property
    def heartbeats(self) -> int:
        """Leases renewed, by their agents and by relays."""
        return len(self.latencies) + self.relayed

    def count(self, what: str, response: Response, expected: Collection[int]) -> bool:
        """Count a response to an agent; return whether its status was expected."""
        self.responses[what, response.status] += 1
        return self._judge(what, response, expected)

    def count_bad_client(self, what: str, response: Response, expected: Collection[int]) -> None:
        self.bad_client_responses[what, response.status] += 1
        self._judge(what, response, expected)

    def _judge(self, what: str, response: Response, expected: Collection[int]) -> bool:
        if response.status in expected:
            return True
        self.errors[f"{what}: {response.status or response.failure}"] += 1
        return False
