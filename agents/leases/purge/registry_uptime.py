"""Silence from before the registry's uptime does not count.

Uptime starts anew after GAP_SECONDS without the pulse of a web process.
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
    up_since: datetime
    seen_at: datetime
    seconds: float
    is_at_work: bool


def pulse() -> None:
    """Write at most every PULSE_SECONDS, for all web processes together."""
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
    Uptime.objects.update(up_since=DatabaseNow())


def report_uptime() -> UptimeReport | None:
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
    """The later of last heartbeat and start of uptime; now without web processes."""
    up_since = (
        f"(SELECT CASE WHEN {_seen_within(GAP_SECONDS)} THEN up_since"  # noqa: S608
        f" ELSE {dialect.now()} END FROM {table(Uptime)})"
    )
    return dialect.latest("last_heartbeat", up_since)


def _seen_within(seconds: int) -> str:
    # `seen_at` is in the future if the database's clock was set back.
    earliest, latest = dialect.now_plus(f"-{seconds}"), dialect.now_plus(f"{GAP_SECONDS}")
    return f"({table(Uptime)}.seen_at BETWEEN {earliest} AND {latest})"
