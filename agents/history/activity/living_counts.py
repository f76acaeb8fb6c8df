"""How many agents were alive, once a minute for all processes."""

import time
from collections.abc import Callable

from django.db import connection

from agents.database.clock import DatabaseNow, Minute
from agents.database.dialect import dialect
from agents.database.tables import table
from agents.models import ActivityMinute

INTERVAL = 10.0


class LivingRecorder:
    """Call `record` every few seconds. `count`: returns how many are alive."""

    def __init__(self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic):
        self._count = count
        self._clock = clock
        self._next = clock()

    def record(self) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        this_minute = ActivityMinute.objects.filter(minute=Minute(DatabaseNow()))
        if not this_minute.filter(alive__isnull=False).exists():
            write_living(self._count())


def write_living(alive: int) -> None:
    """Write it for this minute, unless another process has."""
    minutes = table(ActivityMinute)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {minutes} (minute, alive)"  # noqa: S608
            f" VALUES ({dialect.start_of_minute(dialect.now())}, %s)"
            " ON CONFLICT (minute) DO UPDATE"
            f" SET alive = COALESCE({minutes}.alive, EXCLUDED.alive)",
            [alive],
        )
