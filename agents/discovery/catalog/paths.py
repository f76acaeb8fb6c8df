"""Paths into an entry by which agents are filtered and counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, JSONField, OuterRef, Q, Subquery, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

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

Narrow = Callable[[AgentQuerySet, Sequence[str]], AgentQuerySet]


class UnknownPath(ValueError):
    pass


@dataclass(frozen=True)
class Path:
    """`narrow` keeps agents with one of some values there. `counted`: the value, or a list.

    `fixed`: the same in all agents.
    """

    narrow: Narrow
    counted: Callable[[], Any] | None = None
    fixed: Callable[[], str] | None = None


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
        lambda: KeyTransform(key, "metadata"),
    )


def _all_have(fixed: Callable[[], str]) -> Path:
    def narrow(agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
        return agents if fixed() in values else agents.none()

    return Path(narrow, fixed=fixed)


def _column(name: str) -> Path:
    return Path(lambda agents, values: agents.filter(**{f"{name}__in": values}), lambda: F(name))


def _named(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
    wanted = Q()
    for value in values:
        wanted |= Q(agent_name__icontains=value)
    return agents.filter(wanted)


def _identifier(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
    return agents.filter(pk__in=[found for one in values if (found := agent_id_of(one))])


def _list(entries: str, record: str) -> Path:
    entry = CatalogEntry.objects.filter(agent_id=OuterRef("agent_id"))

    def narrow(agents: AgentQuerySet, values: Iterable[str]) -> AgentQuerySet:
        wanted = Q()
        for value in values:
            in_entry = entry.filter(ListContains(F(entries), Value(value)))
            wanted |= Q(ListContains(F(record), Value(value))) | Q(Exists(in_entry))
        return agents.filter(wanted)

    return Path(
        narrow,
        lambda: Coalesce(Subquery(entry.values(entries)[:1]), F(record), output_field=JSONField()),
    )


def _condition(agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
    return agents.alias(condition=condition_word()).filter(condition__in=values)


PATHS: Mapping[str, Path] = {
    "identifier": Path(_identifier),
    "displayName": Path(_named, lambda: F("agent_name")),
    "type": _all_have(lambda: AGENT_CARD),
    "mediaType": _all_have(lambda: AGENT_CARD),
    "publisher": _all_have(lambda: str(settings.REGISTRY_PUBLISHER)),
    "tags": _list("tags", "tags"),
    "capabilities": _list("capabilities", "skills"),
    "version": _column("version"),
    "metadata.host": _column("host"),
    "metadata.state": _column("state"),
    "metadata.status": _column("status"),
    "metadata.condition": Path(_condition, condition_word),
    "metadata.alive": _all_have(lambda: "true"),
    "metadata.agentId": _column("agent_id"),
}
