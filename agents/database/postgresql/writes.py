"""Writes on PostgreSQL: one statement each, so that no lock outlives a round trip."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg
from django.db import connection

from agents.database.statements import LoggedDelete, LoggedUpsert, RowUpdate, returning_clause


class Writes:
    def update_rows(
        self, update: RowUpdate, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[tuple[Any, ...]]:
        # One array for each column, or NULL if it has nothing else.
        columns = [
            list(column) if column.count(None) < len(column) else None
            for column in zip(*rows, strict=True)
        ]
        connection.ensure_connection()
        with connection.wrap_database_errors:
            # Django's cursor puts values into the text, so the server would plan it each time.
            prepared = psycopg.Cursor(connection.connection)
            deadline = connection.connection.deadline(update.max_delay)
            prepared.execute(_update(update, waits=waits), [*columns, deadline], prepare=True)
            rows_changed = prepared.fetchall()
            if not rows_changed:
                connection.connection.check_deadline(deadline)
            return rows_changed

    def upsert(
        self,
        statement: LoggedUpsert,
        key: Any,  # noqa: ARG002
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> dict[str, Any] | None:
        names = ["created", *statement.returning]
        # A row that existed was locked, and so has an xmax.
        returning = returning_clause({**statement.returning, "created": "xmax = 0"})
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH written AS ({statement.upsert} {returning}), logged AS ({statement.log})"
                f" SELECT {', '.join(names)} FROM written",
                [*parameters, *log_parameters],
            )
            row = cursor.fetchone()
        return None if row is None else dict(zip(names, row, strict=True))

    def delete(
        self,
        statement: LoggedDelete,
        condition: str,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH written AS (DELETE FROM {statement.table} WHERE {condition}"
                f" {returning_clause(statement.returning)}), logged AS ({statement.log})"
                " SELECT COUNT(*) FROM written",
                [*parameters, *log_parameters],
            )
            return int(cursor.fetchone()[0])


@cache
def _update(update: RowUpdate, *, waits: bool) -> str:
    """The same for any number of rows, and so planned once."""
    given = {**update.keys, **update.values}
    arrays = ", ".join(f"%s::{kind}[]" for kind in given.values())
    values = "".join(f", given.{name}" for name in update.values)
    # Cheaper than an error: the caller finds out whether this is why nothing changed.
    in_time = "DATE_PART('epoch', STATEMENT_TIMESTAMP()) < %s::float8"
    order = f"ORDER BY held.{update.lock_order}" if waits else ""
    return (
        f"UPDATE {update.table} AS held SET {update.changes} FROM ("
        f"SELECT held.ctid{values} FROM UNNEST({arrays}) AS given ({', '.join(given)})"
        f" JOIN {update.table} AS held ON {update.match} WHERE {in_time} {order}"
        f" FOR NO KEY UPDATE OF held {'' if waits else 'SKIP LOCKED'}) AS given"
        f" WHERE held.ctid = given.ctid RETURNING {update.returning}"
    )
