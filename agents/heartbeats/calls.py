"""Calls that wait for their commit."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.leases import LeaseLocked, Renewal, Renewed

Outcome = Renewed | Exception

MAX_BATCH = 1_000  # renewals: some 10 ms on PostgreSQL
MAX_WAITING = 50_000
PATIENCE = 2.0  # seconds that a call may wait for its turn
LOCK_PATIENCE = 2.0  # seconds that a locked record is tried again
# Smaller batches cost as much, and would overstate the cost of a renewal.
SMALL_BATCH = 50


@dataclass(slots=True, eq=False)
class Call:
    """The renewals of one request. `retries`: indexes of those whose records were locked."""

    renewals: Sequence[Renewal]
    caller: Any
    outcomes: Sequence[Outcome] = ()
    retries: Sequence[int] = ()
    retry_until: float = 0.0

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


class CallQueue:
    """The event loop calls `offer` and `has_waiting`, the committing thread all else."""

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()
        self._locked: deque[Call] = deque()
        # Numbers of renewals. One thread writes each, so neither needs a lock.
        self._offered = self._taken = 0
        self._seconds_each = 0.0
        self._batch_began: float | None = None

    def offer(self, call: Call) -> bool:
        waiting = self._offered - self._taken
        began = self._batch_began
        running = time.monotonic() - began if began is not None else 0.0
        if waiting >= MAX_WAITING or running + waiting * self._seconds_each >= PATIENCE:
            return False
        self._offered += len(call.renewals)
        self._waiting.append(call)
        return True

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def has_locked(self) -> bool:
        return bool(self._locked)

    def begin_batch(self) -> list[Call]:
        calls: list[Call] = []
        size = 0
        # Locked records get half of a batch at most.
        while self._locked and size < MAX_BATCH // 2:
            call = self._locked.popleft()
            calls.append(call)
            size += len(call.retries)
        while self._waiting and size < MAX_BATCH:
            call = self._waiting.popleft()
            calls.append(call)
            size += len(call.renewals)
            self._taken += len(call.renewals)
        self._batch_began = time.monotonic()
        return calls

    def end_batch(self) -> None:
        self._batch_began = None

    def measured(self, renewals: int, seconds: float) -> None:
        seconds_each = seconds / max(renewals, SMALL_BATCH)
        self._seconds_each += (seconds_each - self._seconds_each) / 8

    def requeue_if_locked(self, call: Call, now: float) -> bool:
        locked = [i for i, outcome in enumerate(call.outcomes) if type(outcome) is LeaseLocked]
        if not locked:
            return False
        call.retry_until = call.retry_until or now + LOCK_PATIENCE
        if now >= call.retry_until:
            return False
        call.retries = locked
        self._locked.append(call)
        return True
