"""Each write is one statement: no lock waits for a round trip."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from django.db import connection

from agents.database.postgresql.arrays import array_literal
from agents.database.statements import (
    LoggedDelete,
    LoggedUpdate,
    LoggedUpsert,
    RowUpdate,
    returning_clause,
)

# 16 MB per transaction. Heartbeats wait for the rows that it finds.
PAGES = 2048


class Writes:
    def update_rows(
        self, update: RowUpdate, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[tuple[Any, ...]]:
        columns = [
            array_literal(column) if column.count(None) < len(column) else None
            for column in zip(*rows, strict=True)
        ]
        with _prepared() as execute:
            deadline = connection.connection.deadline(update.max_delay)
            rows_changed = execute(_update(update, waits=waits), [*columns, deadline])
            if not rows_changed:
                connection.connection.check_deadline(deadline)
            return rows_changed

    def upsert(
        self, statement: LoggedUpsert, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[dict[str, Any]]:
        given = [dict(zip(statement.given, row, strict=True)) for row in rows]
        names = ["created", *statement.returning]
        with _prepared() as execute:
            sql = _upsert(statement, waits=waits)
            written = execute(sql, [json.dumps(given), connection.connection.deadline()])
            return [dict(zip(names, row, strict=True)) for row in written]

    def update_unlocked(self, statement: LoggedUpdate, keys: Sequence[str]) -> int:
        condition = statement.condition
        sql = (
            f"WITH found AS MATERIALIZED (SELECT ctid FROM {statement.table}"
            f" WHERE {statement.key} = ANY(%s) AND {condition} FOR NO KEY UPDATE SKIP LOCKED),"
            f" written AS ({statement.update_sql} WHERE ctid = ANY(ARRAY(SELECT ctid FROM found))"
            f" AND {condition} {returning_clause(statement.returning)}),"
            f" logged AS ({statement.log}) SELECT COUNT(*) FROM written"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(keys)])
            return int(cursor.fetchone()[0])

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

    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        # An update changes ctid, and then the row is no longer meant.
        sql = (
            "WITH found AS MATERIALIZED ("
            f"SELECT ctid FROM {statement.table} WHERE ctid > %s::tid AND ctid < %s::tid"
            f" AND {condition} LIMIT %s FOR UPDATE SKIP LOCKED), written AS ("
            f"DELETE FROM {statement.table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM found))"
            f" AND {condition} {returning_clause({**statement.returning, 'place': 'ctid'})}"
            f"), logged AS ({statement.log})"
            " SELECT (SELECT COUNT(*) FROM found), COUNT(*), MAX(place)::text FROM written"
        )
        with connection.cursor() as cursor:
            for page in range(0, _pages(statement.table), PAGES):
                found, last, end = size, f"({page},0)", f"({page + PAGES},0)"
                while found == size and last is not None:
                    cursor.execute(sql, [last, end, size, *log_parameters])
                    found, deleted, last = cursor.fetchone()
                    yield deleted


@contextmanager
def _prepared() -> Iterator[Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]]:
    """Execute statements whose text does not depend on the values or their number.

    Django's cursor puts values into the text, which would be planned each time.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        connection.connection.refresh_plans()
        yield lambda sql, values: cursor.execute(sql, values, prepare=True).fetchall()


@cache
def _update(update: RowUpdate, *, waits: bool) -> str:
    given = {**update.keys, **update.values}
    arrays = ", ".join(f"%s::{kind}[]" for kind in given.values())
    values = "".join(f", given.{name}" for name in update.values)
    # Cheaper than an error: the caller checks the deadline if nothing changed.
    in_time = "DATE_PART('epoch', STATEMENT_TIMESTAMP()) < %s::float8"
    order = f"ORDER BY held.{update.lock_order}" if waits else ""
    return (
        f"UPDATE {update.table} AS held SET {update.changes} FROM ("
        f"SELECT held.ctid{values} FROM UNNEST({arrays}) AS given ({', '.join(given)})"
        f" JOIN {update.table} AS held ON {update.match} WHERE {in_time} {order}"
        f" FOR NO KEY UPDATE OF held {'' if waits else 'SKIP LOCKED'}) AS given"
        f" WHERE held.ctid = given.ctid RETURNING {update.returning}"
    )


def _pages(table: str) -> int:
    sql = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return int(cursor.fetchone()[0])


@cache
def _upsert(statement: LoggedUpsert, *, waits: bool) -> str:
    key, table = statement.key, statement.table
    types = {name: "text" if kind == "jsonb" else kind for name, kind in statement.given.items()}
    casts = {name: f"::{kind}" for name, kind in statement.given.items() if kind == "jsonb"}
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    ctes = [f"given AS (SELECT * FROM JSON_TO_RECORDSET(%s::json) AS given ({columns}))"]
    where = ""
    if not waits:
        ctes.append(
            f"free AS (SELECT held.{key} FROM {table} AS held JOIN given USING ({key})"
            f" ORDER BY held.{key} FOR NO KEY UPDATE OF held SKIP LOCKED)"
        )
        where = (
            f" WHERE {key} IN (SELECT {key} FROM free) OR NOT EXISTS"
            f" (SELECT 1 FROM {table} AS held WHERE held.{key} = given.{key})"
        )
    values = ", ".join(value + casts.get(name, "") for name, value in statement.values.items())
    returning = returning_clause({**statement.returning, "created": "xmax = 0"})
    insert = statement.insert_sql(f"SELECT {values} FROM given{where} ORDER BY {key}")
    logged = "".join(f", given.{name}" for name in statement.logged)
    ctes += [
        f"upserted AS ({insert} {returning})",
        f"written AS (SELECT upserted.*{logged} FROM upserted JOIN given USING ({key}))",
        *(f"logged_{place} AS ({log})" for place, log in enumerate(statement.logs)),
    ]
    names = ", ".join(["created", *statement.returning])
    in_time = connection.connection.in_time_sql("%s::float8")
    return f"WITH {', '.join(ctes)} SELECT {names} FROM written WHERE {in_time}"
