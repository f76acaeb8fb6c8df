"""The registry's own uptime: agents are not to blame for its outages.

Each web process writes a pulse every two seconds. After a gap of `GAP_SECONDS`, because the web or
its database was down, a new uptime begins. No agent's silence counts from earlier than that.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.database.tables import table
from agents.models import Uptime

PULSE_SECONDS = 2
GAP_SECONDS = 10


@dataclass(frozen=True)
class UptimeReport:
    """`seen_at`: when a web process was last at work. `seconds`: the uptime, 0 while none is."""

    up_since: datetime
    seen_at: datetime
    seconds: float
    is_at_work: bool


def pulse() -> None:
    """Write that a web process is at work, once per PULSE_SECONDS for all processes together."""
    mark, now = table(Uptime), dialect.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {mark} (id, up_since, seen_at) VALUES (1, {now}, {now})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at, up_since ="
            f" CASE WHEN {_seen_within(GAP_SECONDS)} THEN {mark}.up_since"
            f" ELSE EXCLUDED.up_since END WHERE NOT {_seen_within(PULSE_SECONDS)}",
            [],
        )


def restart_uptime() -> None:
    """Let no agent's silence count from earlier than now."""
    Uptime.objects.update(up_since=DatabaseNow())


def report_uptime() -> UptimeReport | None:
    """Return the registry's uptime, None if no web process has ever pulsed."""
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
    """Return SQL for when an agent's silence began, to be executed with parameters.

    That is its last heartbeat or the begin of the registry's uptime, whichever is later; and now
    while no web process is at work.
    """
    up_since = (
        f"(SELECT CASE WHEN {_seen_within(GAP_SECONDS)} THEN up_since"  # noqa: S608 - all ours
        f" ELSE {dialect.now()} END FROM {table(Uptime)})"
    )
    return dialect.latest("last_heartbeat", up_since)


def _seen_within(seconds: int) -> str:
    # A time far ahead was written before the database's clock was set back.
    earliest, latest = dialect.now_plus(f"-{seconds}"), dialect.now_plus(f"{GAP_SECONDS}")
    return f"({table(Uptime)}.seen_at BETWEEN {earliest} AND {latest})"
