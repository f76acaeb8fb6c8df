"""A commit costs nearly as much for one call as for twenty, so it may wait for more.

But clients that wait for their answers send none.
"""

import time
from collections.abc import Callable

SECONDS = 0.015
ENOUGH_CALLS = 64
# Waiting must be worth this many calls.
WORTH = 1.5
DECAY = 0.8


class CommitWindow:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._arrivals = 0.0
        self._since: float | None = None

    def arrived(self) -> None:
        if self._since is not None:
            self._arrivals += 1

    def left(self, waiting: int) -> float:
        """Return how many seconds a commit of `waiting` calls still waits."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if waiting >= ENOUGH_CALLS or self._arrivals * SECONDS <= WORTH * self._seconds:
            return 0.0
        until_enough = (ENOUGH_CALLS - waiting) * self._seconds / self._arrivals
        return max(min(self._since + SECONDS - now, until_enough), 0.0)

    def committed(self) -> None:
        if self._since is not None:
            self._seconds += self._clock() - self._since
        self._seconds *= DECAY
        self._arrivals *= DECAY
        self._since = None
