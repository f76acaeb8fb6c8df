"""Words in a generated column of the type tsvector, with a GIN index."""

from collections.abc import Sequence

from agents.database.words import TABLE, Reading, matches


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


def _query(reading: Reading, weight: str = "") -> str:
    mark = ("*" if reading.is_prefix else "") + weight
    return " | ".join(f"{word}:{mark}" if mark else word for word in reading.words)
