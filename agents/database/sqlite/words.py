"""Words in an FTS5 table: https://www.sqlite.org/fts5.html"""

import json
from collections.abc import Sequence

from django.db import connection

from agents.database.words import TABLE, Reading, matches

INDEX = "agents_catalogwords"


class Words:
    def entries_with(self, readings: Sequence[Reading]) -> tuple[str, list[str]]:
        selects, queries = [], []
        for match in matches(readings):
            selects.append(
                f"SELECT rowid AS id, {match.quality:.4f} AS quality"
                f" FROM {INDEX} WHERE {INDEX} MATCH %s"
            )
            queries.append(_query(match.reading, match.column))
        sql = (
            f"SELECT agent_id, MAX(quality) AS quality FROM ({' UNION ALL '.join(selects)})"
            f" AS found JOIN {TABLE} USING (id) GROUP BY id"
        )
        return sql, queries

    def entries_beginning(
        self, column: str, words: Sequence[str], most: int
    ) -> tuple[str, list[str]]:
        query = " AND ".join(f'"{word}" *' for word in words)
        found = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s LIMIT {most:d}"
        return f"{TABLE}.id IN ({found})", [f"{{{column}}} : ({query})"]

    def known_words(self, words: Sequence[str]) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT value FROM JSON_EACH(%s) WHERE EXISTS"
                f" (SELECT 1 FROM {INDEX} WHERE {INDEX} MATCH '\"' || value || '\"')",
                [json.dumps(words)],
            )
            return [word for (word,) in cursor.fetchall()]


def _query(reading: Reading, column: str) -> str:
    mark = " *" if reading.is_prefix else ""
    words = " OR ".join(f'"{word}"{mark}' for word in reading.words)
    return f"{{{column}}} : ({words})"
