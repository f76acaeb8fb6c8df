"""``/.well-known/ai-catalog.json``: living agents, in nested catalogs if there are many."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from rest_framework import serializers

from agents.discovery.catalog.entries import (
    CATALOG,
    REGISTRY_NAME,
    Entry,
    of_type,
    read_entries,
    registry_entry,
)
from agents.discovery.catalog.urns import urn
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet
from agents.serializers.fields import AgentIdField

PATH = "/.well-known/ai-catalog.json"
SPEC_VERSION = "1.0"
MOST_ENTRIES = 1_000


class ManifestSerializer(serializers.Serializer[Any]):
    first = AgentIdField(required=False, help_text="Only the agents with this id and after it.")
    before = AgentIdField(required=False, help_text="Only the agents before this id.")


def manifest(first: str | None = None, before: str | None = None) -> dict[str, Any]:
    """Return the catalog of the agents from one id to before another."""
    agents: AgentQuerySet = AgentRecord.objects.alive()
    if first is not None:
        agents = agents.filter(pk__gte=first)
    if before is not None:
        agents = agents.filter(pk__lt=before)
    begins = _begins(agents)
    if len(begins) > 1:
        ends = [*begins[1:], before]
        entries = [_nested(begin, end) for begin, end in zip(begins, ends, strict=True)]
    else:
        entries = read_entries(agents.order_by("pk"))
    is_whole = first is None and before is None
    return {
        "specVersion": SPEC_VERSION,
        "host": {
            "displayName": REGISTRY_NAME,
            "identifier": settings.REGISTRY_PUBLISHER,
            "documentationUrl": f"{settings.REGISTRY_URL}/docs",
        },
        "entries": [registry_entry(), *entries] if is_whole else entries,
    }


def _begins(agents: AgentQuerySet) -> list[str]:
    """Return each MOST_ENTRIES-th id."""
    numbered = agents.annotate(place=Window(RowNumber(), order_by="agent_id"))
    begins = numbered.annotate(rest=(F("place") - 1) % MOST_ENTRIES).filter(rest=0)
    return list(begins.order_by("pk").values_list("pk", flat=True))


def _nested(first: str, before: str | None) -> Entry:
    name = first if before is None else f"{first} to before {before}"
    parameters = {"first": first} if before is None else {"first": first, "before": before}
    return {
        "identifier": urn("catalog", f"from-{first}".replace(":", "_")),
        "displayName": f"Agents from {name}",
        **of_type(CATALOG),
        "url": f"{settings.REGISTRY_URL}{PATH}?{urlencode(parameters)}",
    }
