"""SQLite cannot insert what another statement returns, so rows pass through the process."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from django.db import connection, transaction

from agents.database.statements import (
    LoggedDelete,
    LoggedUpdate,
    LoggedUpsert,
    RowUpdate,
    returning_clause,
)

# Per transaction, for which other writers wait.
MOST_ROWS = 250


class Writes:
    def update_rows(
        self,
        update: RowUpdate,
        rows: Sequence[Sequence[Any]],
        *,
        waits: bool,  # noqa: ARG002
    ) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(_update(update), [json.dumps(rows)])
            return list(cursor.fetchall())

    def upsert(
        self,
        statement: LoggedUpsert,
        rows: Sequence[Sequence[Any]],
        *,
        waits: bool,  # noqa: ARG002
    ) -> list[dict[str, Any]]:
        names = list(statement.given)
        place = names.index(statement.key)
        given = {row[place]: dict(zip(names, row, strict=True)) for row in rows}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_existing(statement), [json.dumps(list(given))])
            existing = {key for (key,) in cursor.fetchall()}
            cursor.execute(_upsert(statement), [json.dumps(rows)])
            written = [dict(zip(statement.returning, row, strict=True)) for row in cursor]
            for row in written:
                row["created"] = row[statement.key] not in existing
            logged = [
                [*row.values(), *(given[row[statement.key]][name] for name in statement.logged)]
                for row in written
            ]
            columns = [*statement.returning, "created", *statement.logged]
            for log in statement.logs:
                _log(log, columns, logged, [])
        return written

    def update_unlocked(self, statement: LoggedUpdate, keys: Sequence[str]) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"{statement.update_sql} WHERE {statement.key} IN"
                f" (SELECT value FROM JSON_EACH(%s)) AND {statement.condition}"
                f" {returning_clause(statement.returning)}",
                [json.dumps(list(keys))],
            )
            updated = cursor.fetchall()
            if updated:
                _log(statement.log, statement.returning, updated, [])
        return len(updated)

    def delete(
        self,
        statement: LoggedDelete,
        condition: str,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {statement.table} WHERE {condition}"
                f" {returning_clause(statement.returning)}",
                parameters,
            )
            deleted = cursor.fetchall()
            if deleted:
                _log(statement.log, statement.returning, deleted, log_parameters)
        return len(deleted)

    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        # Outside the transaction: finding takes longer than deleting.
        find = (
            f"SELECT rowid FROM {statement.table} WHERE rowid > %s AND {condition}"
            " ORDER BY rowid LIMIT %s"
        )
        found = f"rowid IN (SELECT value FROM JSON_EACH(%s)) AND {condition}"
        most = min(size, MOST_ROWS)
        last = -1
        while True:
            with connection.cursor() as cursor:
                cursor.execute(find, [last, most])
                rows = [row for (row,) in cursor.fetchall()]
            if rows:
                started = time.monotonic()
                yield self.delete(statement, found, [json.dumps(rows)], log_parameters)
                last = rows[-1]
            if len(rows) < most:
                return
            # Give other writers as much time.
            time.sleep(time.monotonic() - started)


@cache
def _existing(statement: LoggedUpsert) -> str:
    key = statement.key
    return f"SELECT {key} FROM {statement.table} WHERE {key} IN (SELECT value FROM JSON_EACH(%s))"


@cache
def _upsert(statement: LoggedUpsert) -> str:
    values = ", ".join(statement.values.values())
    # Without WHERE, ON CONFLICT would be read as the ON of a join.
    select = f"SELECT {values} FROM ({_rows(statement.given)}) AS given WHERE TRUE"
    return f"{statement.insert_sql(select)} {returning_clause(statement.returning)}"


@cache
def _update(update: RowUpdate) -> str:
    return (
        f"UPDATE {update.table} AS held SET {update.changes}"
        f" FROM ({_rows([*update.keys, *update.values])}) AS given"
        f" WHERE {update.match} RETURNING {update.returning}"
    )


def _log(
    log: str, columns: Iterable[str], rows: Sequence[Sequence[Any]], parameters: Sequence[Any]
) -> None:
    names = list(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH written AS MATERIALIZED ({_rows(names)}) {log}",
            [json.dumps(rows, default=str), *parameters],
        )


def _rows(names: Iterable[str]) -> str:
    columns = ", ".join(
        f"JSON_EXTRACT(value, '$[{place}]') AS {name}" for place, name in enumerate(names)
    )
    return f"SELECT {columns} FROM JSON_EACH(%s)"
