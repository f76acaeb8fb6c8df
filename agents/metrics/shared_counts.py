"""Counts of the whole fleet, which take the longer the larger it is, shared by who asks at once.

A small fleet is counted each time: who registers an agent and looks finds it. A large one is
counted once in a while in each process, and by one at a time; whoever asks meanwhile gets the last
count.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# A fleet of fewer agents is counted within two milliseconds.
LARGE = 10_000
# A second for so many agents: counting them takes a hundredth of that.
AGENTS_PER_SECOND = 100_000
SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 5.0
# So old a count may get while the next one is being made.
OLDEST_SECONDS = 15.0


@dataclass(frozen=True)
class _Count(Generic[T]):
    value: T
    agents: int
    at: float

    @property
    def seconds(self) -> float:
        """For how long it is told to others."""
        if self.agents < LARGE:
            return 0.0
        return min(max(self.agents / AGENTS_PER_SECOND, SHORTEST_SECONDS), LONGEST_SECONDS)


class SharedCount(Generic[T]):
    """`count` asks the database, and `size` tells from its answer how many agents there are.

    What `count` raises is raised, to the one who has it count, and nothing is kept of it.
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
