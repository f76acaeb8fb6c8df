"""Finds living agents, and the hosts, skills and tags that they have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.urls import reverse

from agents.admin.dashboard.search.results import MOST, Found, Result
from agents.admin.widgets import cells
from agents.conditions import condition_of, with_probes
from agents.database.dialect import dialect
from agents.models import AgentRecord, CatalogEntry
from agents.querysets import read_at
from agents.words import words_of

MOST_READ = 100
MAX_WORDS = 8
NAMES, SKILLS = "name_words", "skill_words"


@dataclass
class Matches:
    """`ids`: the best first."""

    ids: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)


def find(text: str, found: Found) -> Matches:
    begin = AgentRecord.objects.filter(dialect.starts_with("agent_id", text))
    first = list(begin.order_by("pk").values_list("pk", flat=True)[:MOST])
    rows = _with_text(text, found)
    by_id = [pk for pk, name, _ in rows if _has(text, pk, name)]
    is_enough = len(first) + len(by_id) >= MOST
    by_words = [] if is_enough else [one for one, _, _ in _entries(text, NAMES, found)]
    entries = _entries(text, SKILLS, found)
    return Matches(
        ids=_first(chain(first, by_id, by_words)),
        hosts=_first(host for _, _, host in rows if _has(text, host)),
        tags=_first(tag for _, tags, _ in entries for tag in tags if _matches(text, tag)),
        skills=_first(name for _, _, names in entries for name in names if _matches(text, name)),
    )


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


def _with_text(text: str, found: Found) -> list[tuple[str, str, str]]:
    """Without an order, reading stops at the first matches; only rare texts take long."""
    agents = AgentRecord.objects.order_by().search(text)
    columns = agents.values_list("agent_id", "agent_name", "host")
    return sorted(found.limited(lambda: columns[:MOST_READ]))


def _entries(text: str, column: str, found: Found) -> list[tuple[str, list[str], list[str]]]:
    """Return ids, tags and skills."""
    words = list(words_of(text))[:MAX_WORDS]
    if not words:
        return []
    condition, parameters = dialect.entries_beginning(column, words, MOST_READ)
    matching = RawSQL(condition, parameters, output_field=BooleanField())  # noqa: S611 - all ours
    entries = CatalogEntry.objects.filter(matching)
    columns = entries.values_list("agent_id", "tags", "capabilities")
    return found.limited(lambda: columns[:MOST_READ])


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
