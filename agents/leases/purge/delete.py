"""Deletions of agents whose lease has ended, and what the history is told of each.

The database does both: of a hundred thousand agents none becomes a Python object.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from agents.database.clock import ended_sql
from agents.database.tables import table
from agents.history.record import purge_sql, purged_columns_sql
from agents.models import AgentRecord


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
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH chosen AS MATERIALIZED ({chosen}), gone AS ("  # noqa: S608 - all ours
            f"DELETE FROM {table(AgentRecord)} WHERE {condition}"
            f" RETURNING ctid AS place, {purged_columns_sql()}), recorded AS ({purge_sql('gone')})"
            " SELECT (SELECT COUNT(*) FROM chosen), COUNT(*), MAX(place)::text FROM gone",
            [*parameters, reason, actor],
        )
        return Erasure(*cursor.fetchone())


def _erase_on_sqlite(condition: str, parameters: Sequence[Any], actor: str, reason: str) -> Erasure:
    # SQLite's DELETE cannot feed an INSERT: its rows come back as JSON.
    deletion = (
        f"DELETE FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608 - all ours
        f" RETURNING {purged_columns_sql()}"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deletion, parameters)
        names = [name for name, *_ in cursor.description]
        gone = cursor.fetchall()
        columns = ", ".join(
            f"JSON_EXTRACT(value, '$[{place}]') AS {name}" for place, name in enumerate(names)
        )
        cursor.execute(
            f"WITH gone AS (SELECT {columns} FROM JSON_EACH(%s)) {purge_sql('gone')}",  # noqa: S608
            [json.dumps(gone), reason, actor],
        )
    return Erasure(chosen=len(gone), gone=len(gone))


def purge_one(*, agent_id: str, actor: str, reason: str = "") -> bool:
    """Delete one agent if its lease has ended; return whether it had."""
    condition = f"agent_id = %s AND {ended_sql(connection)}"
    return bool(erase(condition, [agent_id], actor, reason=reason).gone)
