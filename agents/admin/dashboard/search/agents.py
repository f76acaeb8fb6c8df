"""Finds living agents, and the hosts, skills and tags that they have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.urls import reverse

from agents.admin.dashboard.search.results import MOST, Result
from agents.admin.widgets import cells
from agents.conditions import condition_of, with_probes
from agents.database.base import TakesTooLong
from agents.database.dialect import dialect
from agents.models import AgentRecord, CatalogEntry
from agents.querysets import read_at
from agents.words import words_of

MAX_SECONDS = 0.025
MOST_READ = 100
MAX_WORDS = 8
NAMES, SKILLS = "name_words", "skill_words"


@dataclass
class Matches:
    """`ids`: the best first. `is_partial`: there may be others."""

    ids: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    is_partial: bool = False


def find(text: str) -> Matches:
    found = Matches()
    begin = AgentRecord.objects.filter(dialect.starts_with("agent_id", text))
    first = list(begin.order_by("pk").values_list("pk", flat=True)[:MOST])
    rows = _with_text(text, found)
    by_id = [pk for pk, name, _ in rows if _has(text, pk, name)]
    by_words = [] if len(first) + len(by_id) >= MOST else _with_words(text, found)
    found.ids = _first(chain(first, by_id, by_words))
    found.hosts = _first(host for _, _, host in rows if _has(text, host))
    _add_names(text, found)
    return found


def agent_results(ids: Sequence[str]) -> list[Result]:
    return [
        Result(
            agent.agent_id,
            f"{agent.host}:{agent.port}",
            cells.agent_url(agent.agent_id),
            word=condition.word,
            level=condition.level,
        )
        for agent in read(ids)
        for condition in [condition_of(agent, read_at(agent))]
    ]


def read(ids: Sequence[str]) -> list[AgentRecord]:
    agents = with_probes(AgentRecord.objects.with_read_at()).in_bulk(ids)
    return [agents[agent_id] for agent_id in ids if agent_id in agents]


def list_results(parameter: str, values: Iterable[str]) -> list[Result]:
    fleet = "admin:agents_agentrecord_changelist"
    return [Result(value, url=reverse(fleet, query={parameter: value})) for value in values]


def _with_text(text: str, found: Matches) -> list[tuple[str, str, str]]:
    """Without an order, reading stops at the first matches; only rare texts take long."""
    agents = AgentRecord.objects.order_by().search(text)
    try:
        with dialect.time_limit(MAX_SECONDS):
            return sorted(agents.values_list("agent_id", "agent_name", "host")[:MOST_READ])
    except TakesTooLong:
        found.is_partial = True
        return []


def _with_words(text: str, found: Matches) -> list[str]:
    return [agent_id for agent_id, _, _ in _entries(text, NAMES, MOST, found)]


def _add_names(text: str, found: Matches) -> None:
    entries = _entries(text, SKILLS, MOST_READ, found)
    found.tags = _first(tag for _, tags, _ in entries for tag in tags if _matches(text, tag))
    found.skills = _first(name for _, _, names in entries for name in names if _matches(text, name))


def _entries(
    text: str, column: str, most: int, found: Matches
) -> list[tuple[str, list[str], list[str]]]:
    words = list(words_of(text))[:MAX_WORDS]
    if not words:
        return []
    condition, parameters = dialect.entries_beginning(column, words)
    matching = RawSQL(condition, parameters, output_field=BooleanField())  # noqa: S611 - all ours
    entries = CatalogEntry.objects.filter(matching)
    try:
        with dialect.time_limit(MAX_SECONDS):
            return list(entries.values_list("agent_id", "tags", "capabilities")[:most])
    except TakesTooLong:
        found.is_partial = True
        return []


def _has(text: str, *values: str) -> bool:
    return any(text.casefold() in value.casefold() for value in values)


def _matches(text: str, name: str) -> bool:
    known = list(words_of(name))
    return all(any(one.startswith(word) for one in known) for word in words_of(text))


def _first(values: Iterable[str]) -> list[str]:
    return list(islice(_different(values), MOST))


def _different(values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        if value not in seen:
            seen.add(value)
            yield value
