"""Finds agents whose lease ended, or was renewed after its end, and writes the events.

`recorded_expiry`, the last end written, changes together with the event. So each end has one event,
and any process can go on.
"""

from collections.abc import Iterable

from django.db import connection

from agents.database.clock import expired_sql
from agents.database.dialect import dialect
from agents.database.statements import LoggedUpdate
from agents.database.tables import table
from agents.history.record import (
    EXPIRED_COLUMNS,
    EXPIRES_AT,
    RECOVERED_COLUMNS,
    expiry_sql,
    recovery_sql,
)
from agents.metrics import counters
from agents.models import AgentRecord

BATCH_SIZE = 1000

HAS_EXPIRED = f"recorded_expiry IS NULL AND {expired_sql()}"
HAS_RECOVERED = (
    f"recorded_expiry IS NOT NULL AND {dialect.given_time('recorded_expiry')} <> {EXPIRES_AT}"
)
EXPIRY = LoggedUpdate(
    table=table(AgentRecord),
    key="agent_id",
    changes={"recorded_expiry": EXPIRES_AT},
    condition=HAS_EXPIRED,
    returning=EXPIRED_COLUMNS,
    log=expiry_sql("written"),
)
RECOVERY = LoggedUpdate(
    table=table(AgentRecord),
    key="agent_id",
    changes={"recorded_expiry": "NULL"},
    condition=HAS_RECOVERED,
    returning=RECOVERED_COLUMNS,
    log=recovery_sql("written"),
)


def find_recovered() -> list[str]:
    """Return up to BATCH_SIZE agents that renewed after a recorded expiry."""
    return _ids(HAS_RECOVERED)


def find_expired(longest_ttl: int) -> list[str]:
    """Return up to BATCH_SIZE expired agents with at most this TTL.

    Below SHORT_TTL_SECONDS, an index finds them.
    """
    return _ids(f"ttl_seconds <= {int(longest_ttl)} AND {HAS_EXPIRED}")


def find_ending(within: float, limit: int) -> list[tuple[str, float]]:
    """Read the fleet: return agents whose lease ends in `within` seconds, and the seconds left.

    At most `limit`, those that end first, without recorded expiries.
    """
    left = f"ttl_seconds - {dialect.seconds_since('last_heartbeat')}"
    sql = (
        f"SELECT agent_id, {left} FROM {table(AgentRecord)}"  # noqa: S608
        f" WHERE {left} <= %s AND recorded_expiry IS NULL ORDER BY 2 LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [within, limit])
        return [(agent_id, float(seconds)) for agent_id, seconds in cursor.fetchall()]


def record_expiries(ids: Iterable[str]) -> int:
    """Write the events of those that have expired; return how many."""
    written = _record(EXPIRY, ids)
    counters.EXPIRIES.inc(written)
    return written


def record_recoveries(ids: Iterable[str]) -> int:
    written = _record(RECOVERY, ids)
    counters.RECOVERIES.inc(written)
    return written


def _record(update: LoggedUpdate, ids: Iterable[str]) -> int:
    # All that lock many records do so by id.
    ordered = sorted(ids)
    return sum(
        dialect.update_unlocked(update, ordered[place : place + BATCH_SIZE])
        for place in range(0, len(ordered), BATCH_SIZE)
    )


def _ids(condition: str) -> list[str]:
    sql = f"SELECT agent_id FROM {table(AgentRecord)} WHERE {condition} LIMIT {BATCH_SIZE}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return [agent_id for (agent_id,) in cursor.fetchall()]
