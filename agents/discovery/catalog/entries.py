"""An agent as a catalog entry. `metadata` has its liveness, and no lists or objects.

The kind of an entry is `type` in ARD and `mediaType` in AI Catalog; entries have both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import DateTimeField, Exists, F, OuterRef
from django.db.models.functions import Coalesce

from agents.conditions import condition_word
from agents.discovery.catalog.urns import urn, urn_of
from agents.history.times import time_of
from agents.models import AgentCard, AgentRecord, CatalogEntry
from agents.querysets import AgentQuerySet, read_at

AGENT_CARD = "application/a2a-agent-card+json"
REGISTRY = "application/ai-registry+json"
CATALOG = "application/ai-catalog+json"
# Where A2A serves the card of an agent that did not register one.
WELL_KNOWN_CARD = "/.well-known/agent-card.json"
REGISTRY_NAME = "Agent registry"
MAX_TEXT = (str, int, float, bool, type(None))

Entry = dict[str, Any]


def with_what_entries_show(agents: AgentQuerySet) -> AgentQuerySet:
    card = AgentCard.objects.filter(
        agent_id=OuterRef("agent_id"), generation=OuterRef("generation")
    )
    return agents.with_read_at().annotate(
        has_card=Exists(card), updated_at=updated_at(), condition=condition_word()
    )


def updated_at() -> Coalesce:
    """Return when it registered last, or first if that event is gone."""
    return Coalesce(time_of("generation"), F("registered_at"), output_field=DateTimeField())


def read_entries(agents: AgentQuerySet) -> list[Entry]:
    return entries_of(list(with_what_entries_show(agents)))


def read_entries_by_id(ids: Sequence[str]) -> dict[str, Entry]:
    agents = list(with_what_entries_show(AgentRecord.objects.filter(pk__in=ids)))
    return {agent.agent_id: entry for agent, entry in zip(agents, entries_of(agents), strict=True)}


def entries_of(agents: Sequence[Any]) -> list[Entry]:
    """`agents` come from `with_what_entries_show`."""
    ids = [agent.agent_id for agent in agents]
    known = CatalogEntry.objects.filter(agent_id__in=ids).defer(
        "name_words", "skill_words", "about_words", "more_words"
    )
    found = {one.agent_id: one for one in known}
    return [_entry(agent, found.get(agent.agent_id)) for agent in agents]


def registry_entry() -> Entry:
    return {
        "identifier": urn("registry", "agents"),
        "displayName": REGISTRY_NAME,
        **of_type(REGISTRY),
        "url": f"{settings.REGISTRY_URL}/ard",
        "description": "Searches the agents that are alive: /search, /explore and /agents.",
        "tags": ["registry", "search"],
    }


def of_type(kind: str) -> dict[str, str]:
    return {"type": kind, "mediaType": kind}


def _entry(agent: Any, more: CatalogEntry | None) -> Entry:
    tags, capabilities = agent.tags, agent.skills
    if more is not None:
        tags, capabilities = more.tags, more.capabilities
    optional = {
        "description": more and more.description,
        "tags": tags,
        "capabilities": capabilities,
        "representativeQueries": more and more.queries,
        "version": agent.version,
    }
    return {
        "identifier": urn_of(agent.agent_id),
        "displayName": agent.agent_name,
        **of_type(AGENT_CARD),
        "url": _card_url(agent),
        **{name: value for name, value in optional.items() if value},
        "updatedAt": _time(agent.updated_at),
        "metadata": {**_own_metadata(agent.metadata), **_liveness(agent)},
    }


def _liveness(agent: Any) -> dict[str, Any]:
    return {
        "agentId": agent.agent_id,
        "host": agent.host,
        "port": agent.port,
        "alive": agent.is_alive(read_at(agent)),
        "lastHeartbeat": _time(agent.last_heartbeat),
        "expiresAt": _time(agent.expires_at),
        "ttlSeconds": agent.ttl_seconds,
        "condition": agent.condition,
        "state": agent.state,
        "status": agent.status,
        "load": agent.load,
    }


def _own_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if isinstance(value, MAX_TEXT)}


def _card_url(agent: Any) -> str:
    if agent.has_card:
        return f"{settings.REGISTRY_URL}/agents/{quote(agent.agent_id, safe=':')}/card"
    host = f"[{agent.host}]" if ":" in agent.host else agent.host
    return f"http://{host}:{agent.port}{WELL_KNOWN_CARD}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
