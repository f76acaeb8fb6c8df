"""How long a commit waits for more calls.

A commit with its wake-ups costs nearly as much for one call as for twenty. Waiting pays if calls
arrive meanwhile, and only then: clients that all wait for their answers send nothing.
"""

import time
from collections.abc import Callable

SECONDS = 0.010
ENOUGH = 64  # calls
# A window is worth its delay if more calls than this are expected in it.
WORTH = 1.5
# The weight of what was counted before each further commit.
DECAY = 0.8


class CommitWindow:
    """Counts the calls that arrive in windows and during commits. For the event loop's thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._arrivals = 0.0
        self._since: float | None = None  # when the window, or else the commit, began

    def arrived(self) -> None:
        if self._since is not None:
            self._arrivals += 1

    def left(self, waiting: int) -> float:
        """Return the seconds for which a commit of `waiting` calls, at least one, has to wait."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if waiting >= ENOUGH or self._arrivals * SECONDS <= WORTH * self._seconds:
            return 0.0
        until_enough = (ENOUGH - waiting) * self._seconds / self._arrivals
        return max(min(self._since + SECONDS - now, until_enough), 0.0)

    def committed(self) -> None:
        if self._since is not None:
            self._seconds += self._clock() - self._since
        self._seconds *= DECAY
        self._arrivals *= DECAY
        self._since = None
