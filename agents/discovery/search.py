"""Ranks agents by how much of a text they are about.

A word counts by how few agents have it, and for each agent by where it has the word: 0 to 1. Both
databases give the same scores.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.expressions import RawSQL

from agents.conditions import condition_rank
from agents.database.dialect import dialect
from agents.database.tables import table
from agents.database.words import Reading
from agents.discovery.queries import MAX_TYPOS, readings_of, wanted_words, without_typo
from agents.models import CatalogEntry
from agents.querysets import AgentQuerySet

# The score of an agent that has every word in its name.
BEST = 100
# Agents below it are about something else.
LOWEST = 10
# A word that no agent has, such as a city's name, counts less than a rare one.
UNKNOWN_SHARE = 0.4
# A key beside the numbers of words.
TOTAL = -1

Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Found:
    agent_id: str
    score: int


class Search:
    """Searches `agents` for a text. Counts its words once, when created."""

    def __init__(self, agents: AgentQuerySet, text: str) -> None:
        self._agents = agents
        self._candidates = _candidates(agents)
        words = {word: readings_of(word) for word in wanted_words(text)}
        total, counts = self._count(words)
        unknown = UNKNOWN_SHARE * math.log1p(total)
        unknown_words = [word for word in words if not counts.get(word)]
        missing = {word: without_typo(word) for word in unknown_words[:MAX_TYPOS]}
        missing = {word: readings for word, readings in missing.items() if readings}
        _, more = self._count(missing)
        words |= {word: missing[word] for word in more}
        counts |= more
        self._weights = {
            word: math.log1p(total / count) if (count := counts.get(word)) else unknown
            for word in words
        }
        self._words = {word: words[word] for word in words if counts.get(word)}

    def read(self, limit: int, offset: int = 0) -> list[Found]:
        """Return agents that match, the best first; of equal ones those in good condition."""
        ranking = self._ranking()
        if ranking is None:
            return []
        sql, parameters = ranking
        order = "ORDER BY score DESC, rank, agent_id LIMIT %s OFFSET %s"
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} {order}", [*parameters, limit, offset])
            return [Found(agent_id, score) for agent_id, score, _ in cursor.fetchall()]

    def matching(self) -> AgentQuerySet:
        ranking = self._ranking()
        if ranking is None:
            return self._agents.none()
        sql, parameters = ranking
        ids = RawSQL(f"SELECT agent_id FROM ({sql}) AS ranked", parameters)  # noqa: S611, S608 - all ours
        return self._agents.filter(pk__in=ids)

    def _count(self, words: Mapping[str, Sequence[Reading]]) -> tuple[int, dict[str, int]]:
        """Return how many entries there are, and how many agents match each word."""
        if self._candidates is None or not words:
            return 0, {}
        candidates, values = self._candidates
        hits, parameters = _hits({word: (readings, 1.0) for word, readings in words.items()})
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {TOTAL}, COUNT(*) FROM {table(CatalogEntry)} UNION ALL"  # noqa: S608 - all ours
                f" SELECT word, COUNT(*) FROM ({hits}) AS hits"
                f" JOIN ({candidates}) AS candidates USING (agent_id) GROUP BY word",
                [*parameters, *values],
            )
            counts = dict(cursor.fetchall())
        names = list(words)
        return counts.pop(TOTAL), {names[place]: count for place, count in counts.items()}

    def _ranking(self) -> Sql | None:
        """Return a SELECT of ids, scores and ranks of conditions; None if nothing matches."""
        if self._candidates is None or not self._words:
            return None
        candidates, values = self._candidates
        share = BEST / sum(self._weights.values())
        weighted = {
            word: (readings, self._weights[word] * share) for word, readings in self._words.items()
        }
        hits, parameters = _hits(weighted)
        score = "CAST(ROUND(SUM(quality)) AS INTEGER)"
        return (
            f"SELECT agent_id, {score} AS score, MIN(rank) AS rank"  # noqa: S608 - all ours
            f" FROM ({hits}) AS hits JOIN ({candidates}) AS candidates USING (agent_id)"
            f" GROUP BY agent_id HAVING {score} >= {LOWEST}"
        ), (*parameters, *values)


def _candidates(agents: AgentQuerySet) -> Sql | None:
    """Return a SELECT of `agent_id` and `rank`; None if there can be no agents."""
    found = agents.order_by().annotate(rank=condition_rank())
    query = found.values("agent_id", "rank").query
    try:
        sql, parameters = query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return sql, tuple(parameters)


def _hits(words: Mapping[str, tuple[Sequence[Reading], float]]) -> tuple[str, list[Any]]:
    """Return a SELECT of each agent's quality for each word, times the word's weight."""
    selects, parameters = [], []
    for place, (readings, weight) in enumerate(words.values()):
        sql, values = dialect.entries_with(readings)
        selects.append(
            f"SELECT agent_id, {place} AS word, quality * {weight:.9f} AS quality"  # noqa: S608
            f" FROM ({sql}) AS word_{place}"
        )
        parameters += values
    return " UNION ALL ".join(selects), parameters
