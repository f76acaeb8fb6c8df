"""Calls that wait for their commit: which are accepted, and which come next."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.leases import LeaseLocked, Renewal, Renewed

Outcome = Renewed | Exception

# Renewals in one statement: 1,000 take PostgreSQL some 10 ms.
MAX_BATCH = 1_000
MAX_WAITING = 50_000
# Seconds that a call may have to wait for its turn.
PATIENCE = 2.0
# Seconds for which a renewal is retried whose record is locked.
LOCK_PATIENCE = 2.0
# A smaller batch costs about as much as this one, and would overstate the cost of each renewal.
SMALL_BATCH = 50


@dataclass(slots=True, eq=False)
class Call:
    """A call with its renewals; `caller` is whatever the response is for.

    `outcomes` are those of the renewals, in their order. Renewals whose records were locked are
    retried until `retry_until`: their indexes are in `retries`.
    """

    renewals: Sequence[Renewal]
    caller: Any
    outcomes: Sequence[Outcome] = ()
    retries: Sequence[int] = ()
    retry_until: float = 0.0

    def pending(self) -> Sequence[Renewal]:
        """Return the renewals that the next batch has to try."""
        if self.retries:
            return [self.renewals[index] for index in self.retries]
        return self.renewals

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Record what became of the pending renewals."""
        if self.retries:
            merged = list(self.outcomes)
            for index, outcome in zip(self.retries, outcomes, strict=True):
                merged[index] = outcome
            outcomes = merged
        self.outcomes = outcomes

    def fail(self, error: Exception) -> None:
        self.outcomes = [error] * len(self.renewals)


class CallQueue:
    """`offer` has to be called in the event loop's thread, the rest in that of the commits."""

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()
        self._locked: deque[Call] = deque()
        # Renewals. Each is changed by one thread only, so that neither needs a lock.
        self._offered = self._taken = 0
        self._seconds_each = 0.0
        self._batch_began: float | None = None

    def offer(self, call: Call) -> bool:
        """Accept a call, unless it could not be served in time; return whether it is accepted."""
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
        """Return the calls of the next batch."""
        calls: list[Call] = []
        size = 0
        # However many records are locked, half of the batch is left for others.
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
        """Learn from a batch how long a renewal takes."""
        seconds_each = seconds / max(renewals, SMALL_BATCH)
        self._seconds_each += (seconds_each - self._seconds_each) / 8

    def requeue_if_locked(self, call: Call, now: float) -> bool:
        """Queue a call again if one of its records is locked, unless that has lasted too long."""
        locked = [i for i, outcome in enumerate(call.outcomes) if type(outcome) is LeaseLocked]
        if not locked:
            return False
        call.retry_until = call.retry_until or now + LOCK_PATIENCE
        if now >= call.retry_until:
            return False
        call.retries = locked
        self._locked.append(call)
        return True
