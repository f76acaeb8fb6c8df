import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.heartbeats.bulk import Admitted
from agents.leases import LeaseLocked, Renewal, Renewed

Outcome = Renewed | Exception

LOCK_PATIENCE_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class Call:
    """`retries`: the renewals whose records were locked, by index. `arrived`: monotonic."""

    renewals: Sequence[Renewal]
    caller: Any
    admitted: Admitted | None = None  # for many agents
    outcomes: Sequence[Outcome] = ()
    retries: Sequence[int] = ()
    retry_until: float = 0.0
    arrived: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        return len(self.retries or self.renewals)

    def pending(self) -> Sequence[Renewal]:
        if self.retries:
            return [self.renewals[index] for index in self.retries]
        return self.renewals

    def record(self, outcomes: Sequence[Outcome]) -> None:
        if self.retries:
            merged = list(self.outcomes)
            for index, outcome in zip(self.retries, outcomes, strict=True):
                merged[index] = outcome
            outcomes = merged
        self.outcomes = outcomes

    def fail(self, error: Exception) -> None:
        self.outcomes = [error] * len(self.renewals)

    def must_retry(self, now: float) -> bool:
        locked = [i for i, outcome in enumerate(self.outcomes) if type(outcome) is LeaseLocked]
        if not locked:
            return False
        self.retry_until = self.retry_until or now + LOCK_PATIENCE_SECONDS
        self.retries = locked
        return now < self.retry_until
