"""Paths into an entry by which agents are filtered and counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform

from agents.conditions import condition_word
from agents.database.expressions import ListContains
from agents.discovery.catalog.entries import AGENT_CARD
from agents.discovery.catalog.urns import agent_id_of
from agents.discovery.metadata import has_value
from agents.models import CatalogEntry
from agents.querysets import AgentQuerySet

METADATA = "metadata."
MAX_KEY_LENGTH = 256
# Shown, but neither filtered nor counted by.
ONLY_SHOWN = {
    f"{METADATA}{name}" for name in ("port", "lastHeartbeat", "expiresAt", "ttlSeconds", "load")
}

Counts = Callable[[AgentQuerySet], Iterable[tuple[Any, int]]]
Narrow = Callable[[AgentQuerySet, Sequence[str]], AgentQuerySet]


class UnknownPath(ValueError):
    pass


@dataclass(frozen=True)
class Path:
    """`narrow` keeps agents with one of some values there.

    `counts`: the values, or lists of values, with numbers of agents. A value may come twice.
    """

    narrow: Narrow
    counts: Counts | None = None


def path_of(name: str) -> Path:
    """Raise UnknownPath."""
    if name in PATHS:
        return PATHS[name]
    key = name.removeprefix(METADATA)
    is_key = 0 < len(key) <= MAX_KEY_LENGTH and "\0" not in key
    if key == name or not is_key or name in ONLY_SHOWN:
        raise UnknownPath(name)
    return Path(
        lambda agents, values: agents.filter(has_value(key, values)),
        _counted(lambda: KeyTransform(key, "metadata")),
    )


def _all_have(fixed: Callable[[], str]) -> Path:
    def narrow(agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
        return agents if fixed() in values else agents.none()

    return Path(narrow, lambda agents: [(fixed(), agents.count())])


def _column(name: str) -> Path:
    def narrow(agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
        return agents.filter(**{f"{name}__in": values})

    return Path(narrow, _counted(lambda: F(name)))


def _named(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
    wanted = Q()
    for value in values:
        wanted |= Q(agent_name__icontains=value)
    return agents.filter(wanted)


def _identifier(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
    return agents.filter(pk__in=[found for one in values if (found := agent_id_of(one))])


def _list(entries: str, record: str) -> Path:
    """A list that an entry has, or the record of an agent without an entry."""

    def narrow(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
        in_entry, in_record = Q(), Q()
        for value in values:
            in_entry |= Q(ListContains(F(entries), Value(value)))
            in_record |= Q(ListContains(F(record), Value(value)))
        found = CatalogEntry.objects.filter(in_entry).values("agent_id")
        return agents.filter(in_record | Q(pk__in=found))

    def counts(agents: AgentQuerySet) -> Iterable[tuple[Any, int]]:
        known = CatalogEntry.objects.filter(agent_id__in=agents.order_by().values("pk"))
        others = agents.exclude(pk__in=CatalogEntry.objects.values("agent_id"))
        return chain(_grouped(known, F(entries)), _grouped(others, F(record)))

    return Path(narrow, counts)


def _counted(expression: Callable[[], Any]) -> Counts:
    return lambda agents: _grouped(agents, expression())


def _grouped(rows: QuerySet[Any], expression: Any) -> Iterable[tuple[Any, int]]:
    """Many rows have the same list, so the database has little to return."""
    values = rows.order_by().annotate(counted=expression).values_list("counted")
    found: Iterable[tuple[Any, int]] = values.annotate(count=Count("pk"))
    return found


def _condition(agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
    return agents.alias(condition=condition_word()).filter(condition__in=values)


PATHS: Mapping[str, Path] = {
    "identifier": Path(_identifier),
    "displayName": Path(_named, _counted(lambda: F("agent_name"))),
    "type": _all_have(lambda: AGENT_CARD),
    "mediaType": _all_have(lambda: AGENT_CARD),
    "publisher": _all_have(lambda: str(settings.REGISTRY_PUBLISHER)),
    "tags": _list("tags", "tags"),
    "capabilities": _list("capabilities", "skills"),
    "version": _column("version"),
    "metadata.host": _column("host"),
    "metadata.state": _column("state"),
    "metadata.status": _column("status"),
    "metadata.condition": Path(_condition, _counted(condition_word)),
    "metadata.alive": _all_have(lambda: "true"),
    "metadata.agentId": _column("agent_id"),
}
