import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# Fewer are counted within two milliseconds.
LARGE = 10_000
# A count is shared for a hundred times as long as it takes.
AGENTS_PER_SECOND = 100_000
SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 5.0
# While the next count is being made.
OLDEST_SECONDS = 15.0


@dataclass(frozen=True)
class _Count(Generic[T]):
    value: T
    agents: int
    at: float

    @property
    def seconds(self) -> float:
        if self.agents < LARGE:
            return 0.0
        return min(max(self.agents / AGENTS_PER_SECOND, SHORTEST_SECONDS), LONGEST_SECONDS)


class SharedCount(Generic[T]):
    """Counts a small fleet for each caller; shares the count of a large one for seconds.

    One caller at a time counts a large fleet; the others get the last count. `size` returns the
    number of agents in what `count` returns.
    """

    def __init__(
        self,
        count: Callable[[], T],
        size: Callable[[T], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._size = size
        self._clock = clock
        self._last: _Count[T] | None = None
        self._counting = threading.Lock()

    def get(self) -> T:
        last = self._last
        if last is None or last.agents < LARGE:
            return self._count_now()
        age = self._clock() - last.at
        if age < last.seconds:
            return last.value
        if self._counting.acquire(blocking=False):
            try:
                return self._count_now()
            finally:
                self._counting.release()
        return last.value if age < OLDEST_SECONDS else self._count_now()

    def forget(self) -> None:
        self._last = None

    def _count_now(self) -> T:
        at = self._clock()
        value = self._count()
        self._last = _Count(value, self._size(value), at)
        return value
