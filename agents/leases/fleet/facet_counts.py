"""How many agents have which host, version, tag and so on, by how they are.

Counting 100,000 agents takes PostgreSQL half a second, so all processes share the last count.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count

from agents.conditions import condition_rank, condition_word
from agents.database.dialect import dialect
from agents.leases.fleet.budget import FACETS_SHARE, LONGEST_FACETS_PAUSE_SECONDS
from agents.leases.fleet.shared_row import SharedRow
from agents.models import AgentRecord, LastFacetCount
from agents.querysets import AgentQuerySet
from agents.states import Level

# The name of each facet, which is that of its filter, and what it counts.
COLUMNS = {
    "condition": "condition",
    "version": "version",
    "host": "host",
    "tag": "tags",
    "skill": "skills",
    "token": "enrolled_by",
    "state": "state",
    "status": "status",
}
# Columns with few values are counted together. Other combinations could be as many as the agents.
SCANS = [
    ["version", "state", "status", "enrolled_by", "condition"],
    ["host"],
    ["tags"],
    ["skills"],
]
MOST_VALUES = 1_000
# Nobody waits for a count that takes longer.
QUICK_SECONDS = 0.05
shared = SharedRow(LastFacetCount.objects, FACETS_SHARE, LONGEST_FACETS_PAUSE_SECONDS)


class FacetValue(NamedTuple):
    """`by_level`: numbers of agents in the order of `Level`."""

    value: str
    by_level: Sequence[int]

    @property
    def agents(self) -> int:
        return sum(self.by_level)


@dataclass(frozen=True)
class Facet:
    """`values`: the most frequent ones first. `distinct`: how many there are in all."""

    values: Sequence[FacetValue]
    distinct: int


@dataclass(frozen=True)
class FacetCounts:
    """`at`, `age`: of an earlier count. `is_due`: count_facets_for_all should follow."""

    facets: Mapping[str, Facet]
    at: datetime | None = None
    age: float = 0.0
    is_due: bool = False

    @property
    def is_recent(self) -> bool:
        return self.age <= LONGEST_FACETS_PAUSE_SECONDS

    @property
    def agents(self) -> int:
        return sum(value.agents for value in self.facets["condition"].values)


def last_facet_counts() -> FacetCounts | None:
    """Return the last count of all agents, if there is one."""
    last = shared.read()
    if last is None:
        return None
    is_due = shared.must_count(last)
    if is_due and last.seconds < QUICK_SECONDS:
        return count_facets_for_all()
    facets = {
        name: Facet([FacetValue(*value) for value in values], distinct)
        for name, (values, distinct) in last.groups.items()
    }
    return FacetCounts(facets, last.at, last.age, is_due)


def count_facets_for_all() -> FacetCounts:
    began = time.monotonic()
    with dialect.in_one_process():
        counts = count_facets(AgentRecord.objects.all())
    groups = {name: (facet.values, facet.distinct) for name, facet in counts.facets.items()}
    shared.keep(time.monotonic() - began, groups=groups)
    return counts


def count_facets(agents: AgentQuerySet) -> FacetCounts:
    return FacetCounts(_facets(agents, SCANS))


def count_facets_of(ids: Sequence[str]) -> FacetCounts:
    """Count some hundred agents by one query."""
    columns = [column for scan in SCANS for column in scan]
    return FacetCounts(_facets(AgentRecord.objects.filter(pk__in=ids), [columns]))


def count_facet(agents: AgentQuerySet, name: str) -> Facet:
    return _facets(agents, [[COLUMNS[name]]])[name]


def _facets(agents: AgentQuerySet, scans: Iterable[Sequence[str]]) -> dict[str, Facet]:
    names = {column: name for name, column in COLUMNS.items()}
    facets = {}
    for columns in scans:
        found = _scan(agents, columns)
        for place, column in enumerate(columns):
            facets[names[column]] = _facet((row[place], row[-2], row[-1]) for row in found)
    return {name: facets[name] for name in COLUMNS if name in facets}


def _scan(agents: AgentQuerySet, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return groups: the columns, the level's rank, the number of agents."""
    if "condition" in columns:
        agents = agents.annotate(condition=condition_word())
    rows: Any = (
        agents.order_by()
        .annotate(rank=condition_rank())
        .values_list(*columns, "rank")
        .annotate(agents=Count("pk"))
    )
    return list(rows)


def _facet(groups: Iterable[tuple[Any, int, int]]) -> Facet:
    found = Counter[tuple[str, int]]()
    for value, rank, agents in groups:
        for text in dict.fromkeys(value) if isinstance(value, list) else [value]:
            found[text, rank] += agents
    numbers: dict[str, list[int]] = {}
    for (text, rank), agents in found.items():
        if text:
            numbers.setdefault(text, [0] * len(Level))[rank] += agents
    values = [FacetValue(*one) for one in numbers.items()]
    values.sort(key=lambda one: (-one.agents, one.value))
    return Facet(values[:MOST_VALUES], len(values))
