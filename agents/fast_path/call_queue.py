"""Calls that wait for their commit."""

import time
from collections import deque
from typing import Any, Generic, Protocol, TypeVar

MAX_BATCH = 1_000  # rows: some 10 ms on PostgreSQL
MAX_WAITING = 50_000
PATIENCE = 2.0  # seconds that a call may wait for its turn
# Smaller batches cost as much, and would overstate the cost of a row.
SMALL_BATCH = 50


class Call(Protocol):
    """The rows of one request, whose answer goes to the `caller`. `size`: rows yet to write."""

    caller: Any

    @property
    def size(self) -> int: ...

    def fail(self, error: Exception) -> None: ...

    def must_retry(self, now: float) -> bool:
        """Whether it found a record locked, and may go on waiting for it."""


CallT = TypeVar("CallT", bound=Call)


class CallQueue(Generic[CallT]):
    """The event loop calls `offer` and `count_waiting`, the committing thread all else."""

    def __init__(self) -> None:
        self._waiting: deque[CallT] = deque()
        self._locked: deque[CallT] = deque()
        # Numbers of rows. One thread writes each, so neither needs a lock.
        self._offered = self._taken = 0
        self._seconds_each = 0.0
        self._batch_began: float | None = None

    def offer(self, call: CallT) -> bool:
        waiting = self._offered - self._taken
        began = self._batch_began
        running = time.monotonic() - began if began is not None else 0.0
        if waiting >= MAX_WAITING or running + waiting * self._seconds_each >= PATIENCE:
            return False
        self._offered += call.size
        self._waiting.append(call)
        return True

    def count_waiting(self) -> int:
        return len(self._waiting)

    def has_locked(self) -> bool:
        return bool(self._locked)

    def begin_batch(self) -> list[CallT]:
        calls: list[CallT] = []
        size = 0
        # Locked records get half of a batch at most.
        while self._locked and size < MAX_BATCH // 2:
            call = self._locked.popleft()
            calls.append(call)
            size += call.size
        while self._waiting and size < MAX_BATCH:
            call = self._waiting.popleft()
            calls.append(call)
            size += call.size
            self._taken += call.size
        self._batch_began = time.monotonic()
        return calls

    def end_batch(self) -> None:
        self._batch_began = None

    def measured(self, rows: int, seconds: float) -> None:
        seconds_each = seconds / max(rows, SMALL_BATCH)
        self._seconds_each += (seconds_each - self._seconds_each) / 8

    def requeue_if_locked(self, call: CallT, now: float) -> bool:
        if not call.must_retry(now):
            return False
        self._locked.append(call)
        return True
