"""Counts of responses, and the errors found."""

from array import array
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from benchmarks.fleet.agent import MOST_LATE
from benchmarks.wire.pool import Answer


@dataclass
class Tally:
    """`answers`: responses to agents; `asked_for`: to bad clients; both by request and status.

    `false_expiries`, `missed_deaths` and `lapsed` are ids of agents. `lateness`: for each death,
    the seconds from the end of the lease until the agent was seen gone.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    asked_for: Counter[tuple[str, int]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    # For each heartbeat, the seconds from its due time to its response.
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    lateness: list[float] = field(default_factory=list)
    false_expiries: set[str] = field(default_factory=set)
    missed_deaths: set[str] = field(default_factory=set)
    lapsed: set[str] = field(default_factory=set)
    stops: int = 0
    restarts: int = 0
    listings: int = 0

    @property
    def is_clean(self) -> bool:
        found = self.errors or self.false_expiries or self.missed_deaths or self.lapsed
        return not found and self.latest_death <= MOST_LATE

    @property
    def latest_death(self) -> float:
        return max(self.lateness, default=0.0)

    @property
    def heartbeats(self) -> int:
        return len(self.latencies)

    def count(self, what: str, answer: Answer, expected: Collection[int]) -> bool:
        """Count a response to an agent; return whether its status was expected."""
        self.answers[what, answer.status] += 1
        return self._judge(what, answer, expected)

    def count_asked_for(self, what: str, answer: Answer, expected: Collection[int]) -> None:
        """Count a response to a bad client."""
        self.asked_for[what, answer.status] += 1
        self._judge(what, answer, expected)

    def _judge(self, what: str, answer: Answer, expected: Collection[int]) -> bool:
        if answer.status in expected:
            return True
        self.errors[f"{what}: {answer.status or answer.failure}"] += 1
        return False
