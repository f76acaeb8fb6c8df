"""Words in a generated column of the type tsvector, with a GIN index."""

from collections.abc import Sequence

from django.db import connection, transaction

from agents.database.words import PLACES, TABLE, Reading, matches

# Entries in which known words are looked for.
MOST_READ = 100


class Words:
    def entries_with(self, readings: Sequence[Reading]) -> tuple[str, list[str]]:
        found = sorted(matches(readings), key=lambda match: -match.quality)
        whens = [f"WHEN words @@ %s::tsquery THEN {match.quality:.4f}" for match in found]
        queries = [_query(match.reading, match.weight) for match in found]
        sql = (
            f"SELECT agent_id, CASE {' '.join(whens)} END AS quality FROM {TABLE}"
            " WHERE words @@ %s::tsquery"
        )
        return sql, [*queries, " | ".join(_query(reading) for reading in readings)]

    def entries_beginning(
        self, column: str, words: Sequence[str], most: int
    ) -> tuple[str, list[str]]:
        weight, _ = PLACES[column]
        query = " & ".join(f"{word}:*{weight}" for word in words)
        found = f"SELECT id FROM {TABLE} WHERE words @@ %s::tsquery LIMIT {most:d}"
        return f"{TABLE}.id IN ({found})", [query]

    def known_words(self, words: Sequence[str]) -> list[str]:
        query = _query(Reading(words, is_prefix=False, quality=1.0))
        with transaction.atomic(), connection.cursor() as cursor:
            # The planner takes many words for common ones, and would read all entries.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "SELECT DISTINCT lexeme FROM"
                f" (SELECT words FROM {TABLE} WHERE words @@ %s::tsquery LIMIT {MOST_READ})"
                " AS found, UNNEST(found.words) WHERE lexeme = ANY(%s)",
                [query, list(words)],
            )
            known = [word for (word,) in cursor.fetchall()]
            cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")
            return known


def _query(reading: Reading, weight: str = "") -> str:
    mark = ("*" if reading.is_prefix else "") + weight
    return " | ".join(f"{word}:{mark}" if mark else word for word in reading.words)
