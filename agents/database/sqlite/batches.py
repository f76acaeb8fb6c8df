"""Deletions in batches on SQLite."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from agents.database.sqlite.writes import Writes
from agents.database.statements import LoggedDelete

# Few, since other writers wait meanwhile, and look only now and then whether they may write.
MOST_ROWS = 250


class Batches(Writes):
    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        # Finding the rows takes longer than deleting them, but locks nobody out.
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
            # Other writers get as much time.
            time.sleep(time.monotonic() - started)
