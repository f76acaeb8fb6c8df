import time
from collections import deque
from typing import Any, Generic, Protocol, TypeVar

MAX_BATCH = 1_000  # rows: about 10 ms on PostgreSQL
MAX_WAITING = 50_000
PATIENCE_SECONDS = 2.0
# Smaller batches cost as much.
SMALL_BATCH = 50
SHORT_CALL_ROWS = 10


class Call(Protocol):
    caller: Any

    @property
    def size(self) -> int: ...

    def fail(self, error: Exception) -> None: ...

    def must_retry(self, now: float) -> bool:
        pass


CallT = TypeVar("CallT", bound=Call)


class _Line(Generic[CallT]):
    """Only one thread writes each number, so no lock is needed."""

    def __init__(self) -> None:
        self.calls: deque[CallT] = deque()
        self.offered = self.taken = 0

    @property
    def rows(self) -> int:
        return self.offered - self.taken

    def append(self, call: CallT) -> None:
        self.offered += call.size
        self.calls.append(call)

    def move(self, batch: list[CallT], size: int, most: int) -> int:
        while self.calls and size < most:
            call = self.calls.popleft()
            batch.append(call)
            size += call.size
            self.taken += call.size
        return size


class CallQueue(Generic[CallT]):
    """Short calls overtake long ones, for up to half of a batch.

    The event loop calls `offer` and `count_waiting`, the committing thread all else.
    """

    def __init__(self) -> None:
        self._short = _Line[CallT]()
        self._long = _Line[CallT]()
        self._locked: deque[CallT] = deque()
        self._seconds_each = 0.0
        self._batch_began: float | None = None

    def offer(self, call: CallT) -> bool:
        line = self._short if call.size <= SHORT_CALL_ROWS else self._long
        began = self._batch_began
        running = time.monotonic() - began if began is not None else 0.0
        if (
            line.rows >= MAX_WAITING
            or running + self._ahead(line) * self._seconds_each >= PATIENCE_SECONDS
        ):
            return False
        line.append(call)
        return True

    def count_waiting(self) -> int:
        return len(self._short.calls) + len(self._long.calls)

    def has_locked(self) -> bool:
        return bool(self._locked)

    def begin_batch(self) -> list[CallT]:
        calls: list[CallT] = []
        size = 0
        while self._locked and size < MAX_BATCH // 2:
            call = self._locked.popleft()
            calls.append(call)
            size += call.size
        size = self._short.move(calls, size, size + MAX_BATCH // 2)
        size = self._long.move(calls, size, max(MAX_BATCH, size + 1))
        self._short.move(calls, size, MAX_BATCH)
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

    def _ahead(self, line: _Line[CallT]) -> int:
        """Return the rows before a new call. A batch takes one long call at most."""
        return self._short.rows + (line.rows if line is self._long else 0)
