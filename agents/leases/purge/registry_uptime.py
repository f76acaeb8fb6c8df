"""When the registry was at work: its own outages are no fault of agents.

Each web process says every two seconds that it is there. Where nobody said so for longer than
`GAP_SECONDS`, be it that the web was down, its database, or both, agents could not renew: a new
uptime begins, and for a purge no agent's silence counts from earlier than that.

The thread that says so also records the activity.
"""

import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, close_old_connections, connection

from agents.database.availability import tell_unavailable
from agents.database.clock import DatabaseNow, now_sql, then_sql
from agents.database.tables import table
from agents.history.activity import ActivityRecorder
from agents.models import Uptime

PULSE_SECONDS = 2
GAP_SECONDS = 10


@dataclass(frozen=True)
class UptimeReport:
    """`seen_at`: when a web process was last at work. `seconds`: for how long, 0 when none is."""

    up_since: datetime
    seen_at: datetime
    seconds: float
    is_at_work: bool


def pulse() -> None:
    """Say that a web process is at work. However many say so, one in PULSE_SECONDS is written."""
    mark, now = table(Uptime), now_sql(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {mark} (id, up_since, seen_at) VALUES (1, {now}, {now})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at, up_since ="
            f" CASE WHEN {_seen_within(GAP_SECONDS)} THEN {mark}.up_since"
            f" ELSE EXCLUDED.up_since END WHERE NOT {_seen_within(PULSE_SECONDS)}",
            [],
        )


def begin_uptime() -> None:
    """Let no agent's silence count from earlier than now: it could not be heard."""
    Uptime.objects.update(up_since=DatabaseNow())


def pulse_in_background() -> None:
    """Pulse from now on, in a thread; also in the processes that a server forks off this one."""
    _start()
    os.register_at_fork(after_in_child=_start)


def report_uptime() -> UptimeReport | None:
    """Return the registry's uptime; None where no web process has ever pulsed."""
    row = Uptime.objects.annotate(read_at=DatabaseNow()).first()
    if row is None:
        return None
    age = abs((row.read_at - row.seen_at).total_seconds())
    return UptimeReport(
        up_since=row.up_since,
        seen_at=row.seen_at,
        seconds=(row.read_at - row.up_since).total_seconds() if age <= GAP_SECONDS else 0.0,
        is_at_work=age <= GAP_SECONDS,
    )


def silent_since_sql() -> str:
    """Return SQL for when an agent's silence begins to count, to be executed with parameters.

    That is its last heartbeat, or the begin of the registry's uptime if that was later; and this
    very moment while no web process is at work. Without any record of an uptime, it is the
    heartbeat.
    """
    up_since = (
        f"(SELECT CASE WHEN {_seen_within(GAP_SECONDS)} THEN up_since"  # noqa: S608 - all ours
        f" ELSE {now_sql(connection)} END FROM {table(Uptime)})"
    )
    if connection.vendor == "sqlite":
        return f"MAX(last_heartbeat, COALESCE({up_since}, ''))"
    return f"GREATEST(last_heartbeat, {up_since})"


def _start() -> None:
    recorder = ActivityRecorder()
    recorder.record_at_exit()
    threading.Thread(target=_pulse_on, args=[recorder], name="pulse", daemon=True).start()


def _pulse_on(recorder: ActivityRecorder) -> None:
    while True:
        recorder.sample()
        try:
            close_old_connections()
            pulse()
            recorder.record()
        except Error as error:  # away, or not migrated yet: it may be better the next time
            tell_unavailable(error)
        if connection.vendor == "sqlite":
            connection.close()  # an open one is not to be carried across a fork
        time.sleep(PULSE_SECONDS)


def _seen_within(seconds: int) -> str:
    # A time that lies far ahead was written before somebody set the database's clock back.
    earliest, latest = then_sql(connection, -seconds), then_sql(connection, GAP_SECONDS)
    return f"({table(Uptime)}.seen_at BETWEEN {earliest} AND {latest})"
