"""Records that leases end and are renewed, within a second.

A look at the fleet finds the leases that end soon; until the next look, only those are checked. An
index finds short leases that begin later. The longer a look takes, the further it looks ahead.
"""

import time
from collections.abc import Callable, Iterable

from agents.database.dialect import dialect
from agents.leases.expiry.record import (
    BATCH_SIZE,
    find_ending,
    find_expired,
    find_recovered,
    record_expiries,
    record_recoveries,
)
from agents.leases.fleet.budget import EXPIRIES_SHARE
from agents.models import SHORT_TTL_SECONDS

TICK_SECONDS = 0.5
SEARCHES_SHARE = 0.04  # of a processor; few agents have expired, so they take far less
SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = (SHORT_TTL_SECONDS - 2) / 2  # between two looks
MOST_ENDING = 50_000
MOST_BATCHES = 20
CHECKED_FOR_SECONDS = 3.0  # after the end: a record may have been locked


class Lookout:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ending: list[tuple[float, str]] = []  # times by our clock, ascending
        self._pause = SHORTEST_PAUSE_SECONDS
        self._next_look = self._next_search = clock()
        self._searched = 0.0
        self.looks = 0

    def check(self) -> int:
        """Write the events that are due; return how many. Call it every TICK_SECONDS."""
        written = self._search() if self._clock() >= self._next_search else 0
        if self._clock() >= self._next_look:
            self._look()
        return written + record_expiries(self._due())

    def _search(self) -> int:
        """Find what no look could foresee."""
        began, self._searched = self._clock(), 0.0
        written = self._write(find_recovered, record_recoveries)
        written += self._write(lambda: find_expired(self._ahead), record_expiries)
        self._next_search = began + self._searched / SEARCHES_SHARE
        return written

    @property
    def _ahead(self) -> int:
        return round(2 * self._pause)

    def _write(self, find: Callable[[], list[str]], record: Callable[[Iterable[str]], int]) -> int:
        total = 0
        for _ in range(MOST_BATCHES):
            began = self._clock()
            found = find()
            self._searched += self._clock() - began
            written = record(found)
            total += written
            if len(found) < BATCH_SIZE or not written:
                break
        return total

    def _look(self) -> None:
        began, ahead = self._clock(), self._ahead
        with dialect.in_one_process():
            ending = find_ending(ahead, MOST_ENDING)
        seconds = self._clock() - began
        self._ending = [(began + left, agent_id) for agent_id, left in ending]
        self.looks += 1
        self._pause = min(
            max(seconds / EXPIRIES_SHARE, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS
        )
        self._next_look = began + min(self._pause, ahead / 2)
        if len(ending) == MOST_ENDING and ending[-1][1] <= 0:
            self._next_look = began

    def _due(self) -> list[str]:
        now = self._clock()
        due = [agent_id for end, agent_id in self._ending if end <= now]
        self._ending = [one for one in self._ending if one[0] > now - CHECKED_FOR_SECONDS]
        return due
