"""A purge's way through the table: from its begin to its end, once, a batch at a time."""

import json
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from agents.database.tables import table
from agents.leases.purge.delete import erase
from agents.models import AgentRecord

# How many pages PostgreSQL looks through in one transaction: 16 MB. What it has chosen is locked
# until then, and a heartbeat of an agent that comes back would wait for that long.
PAGES = 2048
# SQLite has one writer at a time, and who waits for it only looks now and then whether it may.
SQLITE_ROWS = 250


def purge_batches(condition: str, actor: str, batch_size: int) -> Iterator[int]:
    """Purge the agents of whom `condition` holds; give how many, after each transaction.

    At most `batch_size` are deleted by one. The condition stands in each DELETE again: an agent
    that renews between the choosing and the deleting survives.
    """
    walk = _walk_on_sqlite if connection.vendor == "sqlite" else _walk_on_postgresql
    return walk(condition, actor, batch_size)


def _walk_on_postgresql(condition: str, actor: str, batch_size: int) -> Iterator[int]:
    # An expired agent stays where it is: by its place in the table it is found without an index.
    choice = (
        f"SELECT ctid FROM {table(AgentRecord)} WHERE ctid > %s::tid AND ctid < %s::tid"  # noqa: S608
        f" AND {condition} LIMIT %s FOR UPDATE SKIP LOCKED"
    )
    for page in range(0, _pages(), PAGES):
        last, end = f"({page},0)", f"({page + PAGES},0)"
        more = True
        while more:
            erasure = erase(condition, [last, end, batch_size], actor, choice=choice)
            yield erasure.gone
            more = erasure.chosen == batch_size and erasure.last is not None
            last = erasure.last


def _pages() -> int:
    sql = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    return int(_rows(sql, [table(AgentRecord)])[0][0])


def _walk_on_sqlite(condition: str, actor: str, batch_size: int) -> Iterator[int]:
    # Looking for them locks nobody out, and takes longer than deleting them.
    choice = (
        f"SELECT rowid FROM {table(AgentRecord)} WHERE rowid > %s AND {condition}"  # noqa: S608
        " ORDER BY rowid LIMIT %s"
    )
    chosen = f"rowid IN (SELECT value FROM JSON_EACH(%s)) AND {condition}"  # noqa: S608
    most = min(batch_size, SQLITE_ROWS)
    last = -1
    while True:
        rows = [row for (row,) in _rows(choice, [last, most])]
        if rows:
            began = time.monotonic()
            yield erase(chosen, [json.dumps(rows)], actor).gone
            last = rows[-1]
        if len(rows) < most:
            return
        # Who has been waiting gets as much time to write as this took.
        time.sleep(time.monotonic() - began)


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
