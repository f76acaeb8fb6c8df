"""Deletions of agents whose lease has ended, and what the history is told of each.

The database does both: of a hundred thousand agents none becomes a Python object.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from agents.actors import REGISTRY
from agents.database.clock import ended_sql, expires_at_sql, now_sql
from agents.database.tables import table
from agents.history.record import Kind
from agents.models import AgentEvent, AgentRecord

# What is told of each agent, in this order.
EVENT_COLUMNS = "agent_id, generation, kind, at, reason, actor"
REASON = "'no heartbeat for ' || ttl_seconds || ' s'"


@dataclass(frozen=True)
class Erasure:
    """How many agents one transaction deleted, of how many that it had chosen.

    `last` is where the last of them was in the table, in the order of the table.
    """

    chosen: int
    gone: int
    last: Any = None


def erase(
    condition: str,
    parameters: Sequence[Any],
    actor: str,
    *,
    choice: str = "",
    reason: str = "",
) -> Erasure:
    """Delete the agents of whom `condition` holds; `parameters` are those of both.

    The history is told that `actor` purged them, and the `reason` for it.

    PostgreSQL looks for them where it is told to by `choice`, a query for `ctid`s; it may leave out
    rows that somebody else has locked, since what it did choose is looked at again.
    """
    if connection.vendor == "sqlite":
        return _erase_on_sqlite(condition, parameters, actor, reason)
    chosen = "SELECT NULL AS ctid WHERE FALSE"
    if choice:
        chosen = choice
        condition = f"ctid = ANY (ARRAY(SELECT ctid FROM chosen)) AND {condition}"  # noqa: S608
    told = (
        f"(1, '{Kind.EXPIRED}', expires_at, {REASON}, '{REGISTRY}'),"
        f" (2, '{Kind.PURGED}', {now_sql(connection)}, %s, %s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH chosen AS MATERIALIZED ({chosen}), gone AS ("  # noqa: S608 - all ours
            f"DELETE FROM {table(AgentRecord)} WHERE {condition} RETURNING ctid AS place, agent_id,"
            f" generation, ttl_seconds, {expires_at_sql(connection)} AS expires_at"
            f"), told AS (INSERT INTO {table(AgentEvent)} ({EVENT_COLUMNS})"
            " SELECT agent_id, generation, kind, at, reason, actor FROM gone,"
            f" LATERAL (VALUES {told}) AS events (step, kind, at, reason, actor)"
            " ORDER BY agent_id, step)"
            " SELECT (SELECT COUNT(*) FROM chosen), COUNT(*), MAX(place)::text FROM gone",
            [*parameters, reason, actor],
        )
        return Erasure(*cursor.fetchone())


def _erase_on_sqlite(condition: str, parameters: Sequence[Any], actor: str, reason: str) -> Erasure:
    # SQLite's DELETE cannot feed an INSERT, and a second look at the clock could find others.
    deletion = (
        f"DELETE FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608 - all ours
        f" RETURNING agent_id, generation, {expires_at_sql(connection)}, {REASON}"
    )
    telling = (
        f"INSERT INTO {table(AgentEvent)} ({EVENT_COLUMNS}) VALUES"  # noqa: S608 - all ours
        f" (%s, %s, '{Kind.EXPIRED}', %s, %s, '{REGISTRY}'),"
        f" (%s, %s, '{Kind.PURGED}', {now_sql(connection)}, %s, %s)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deletion, parameters)
        gone = cursor.fetchall()
        cursor.executemany(telling, [(*lease, *lease[:2], reason, actor) for lease in sorted(gone)])
    return Erasure(chosen=len(gone), gone=len(gone))


def purge_one(*, agent_id: str, actor: str, reason: str = "") -> bool:
    """Delete one agent if its lease has ended; return whether it had."""
    condition = f"agent_id = %s AND {ended_sql(connection)}"
    return bool(erase(condition, [agent_id], actor, reason=reason).gone)
