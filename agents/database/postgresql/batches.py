"""Deletions in batches on PostgreSQL."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from agents.database.statements import LoggedDelete, returning_clause

# Pages that one transaction looks through: 16 MB. It keeps heartbeats of the rows it finds waiting.
PAGES = 2048


class Batches:
    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        # ctid finds a row without an index. A row that is updated gets another, but has changed.
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


def _pages(table: str) -> int:
    sql = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return int(cursor.fetchone()[0])
