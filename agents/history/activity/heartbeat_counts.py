import threading
import time
from collections import deque
from collections.abc import Callable

from django.db import connection

from agents.database.dialect import dialect
from agents.database.tables import table
from agents.metrics.counters import count_renewed_here
from agents.models import ActivityMinute

MAX_SAMPLES = 450  # 15 minutes of an outage


class HeartbeatCounter:
    """An outage of the database loses none; a connection lost after a commit counts some twice."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = count_renewed_here()
        self._samples: deque[tuple[float, int]] = deque()
        self._flushing = threading.Lock()

    def sample(self) -> None:
        total = count_renewed_here()
        if total == self._seen:
            return
        self._samples.append((self._clock(), total - self._seen))
        self._seen = total
        if len(self._samples) > MAX_SAMPLES:
            (_, oldest), (at, second) = self._samples.popleft(), self._samples.popleft()
            self._samples.appendleft((at, oldest + second))

    def flush(self) -> None:
        with self._flushing:
            samples = list(self._samples)
            if not samples:
                return
            now = self._clock()
            with connection.cursor() as cursor:
                cursor.execute(
                    _statement(len(samples)),
                    [value for at, count in samples for value in (now - at, count)],
                )
            for _ in samples:
                self._samples.popleft()


def _statement(samples: int) -> str:
    minutes = table(ActivityMinute)
    minute = dialect.start_of_minute(dialect.now_plus("-CAST(column1 AS DOUBLE PRECISION)"))
    values = ", ".join(["(%s, %s)"] * samples)
    return (
        f"INSERT INTO {minutes} (minute, heartbeats)"  # noqa: S608
        f" SELECT {minute} AS minute, SUM(column2) FROM (VALUES {values}) AS samples"
        # Ordered, so that two processes cannot deadlock.
        " WHERE TRUE GROUP BY 1 ORDER BY 1 ON CONFLICT (minute) DO UPDATE"
        f" SET heartbeats = {minutes}.heartbeats + EXCLUDED.heartbeats"
    )
