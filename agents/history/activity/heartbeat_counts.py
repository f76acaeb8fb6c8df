"""Heartbeats by the minute: counted in each web process, and added to the database now and then.

How many leases it has renewed, each process counts for its metrics as it is: nothing is added to
what a heartbeat costs.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from django.db import connection

from agents.database.clock import minute_of_sql
from agents.database.tables import table
from agents.metrics.counters import count_renewed_here
from agents.models import ActivityMinute

# Looks that are kept while they cannot be added: of a quarter of an hour.
MOST_LOOKS = 450


class HeartbeatTally:
    """The heartbeats of this process since the tally was made that are not in the database yet.

    While the database is away nothing is lost, and each minute gets its own as soon as it is back.
    A connection that is lost just when the addition was committed has it made once more.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = count_renewed_here()
        self._looks: deque[tuple[float, int]] = deque()
        self._adding = threading.Lock()

    def look(self) -> None:
        """Note how many there were since the last look: they belong to the time in between."""
        total = count_renewed_here()
        if total == self._seen:
            return
        self._looks.append((self._clock(), total - self._seen))
        self._seen = total
        if len(self._looks) > MOST_LOOKS:
            (_, oldest), (at, next_one) = self._looks.popleft(), self._looks.popleft()
            self._looks.appendleft((at, oldest + next_one))

    def add(self) -> None:
        """Add all that was noted to the rows of its minutes, by one statement."""
        with self._adding:
            looks = list(self._looks)
            if not looks:
                return
            now = self._clock()
            with connection.cursor() as cursor:
                cursor.execute(
                    _statement(len(looks)),
                    [value for at, count in looks for value in (now - at, count)],
                )
            for _ in looks:
                self._looks.popleft()


def _statement(looks: int) -> str:
    minutes = table(ActivityMinute)
    minute = minute_of_sql(connection, "CAST(column1 AS DOUBLE PRECISION)")
    values = ", ".join(["(%s, %s)"] * looks)
    return (
        f"INSERT INTO {minutes} (minute, heartbeats)"  # noqa: S608 - all ours
        f" SELECT {minute} AS minute, SUM(column2) FROM (VALUES {values}) AS looks"
        # In this order, as all who lock several of them.
        " WHERE TRUE GROUP BY 1 ORDER BY 1 ON CONFLICT (minute) DO UPDATE"
        f" SET heartbeats = {minutes}.heartbeats + EXCLUDED.heartbeats"
    )
