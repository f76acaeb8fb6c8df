"""Agents that are gone, each by the event that ended it, which has its last record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from agents.database.clock import DatabaseNow
from agents.history.feed import ends_newest_first
from agents.models import HAS_LAST_RECORD, MAX_NAME_LENGTH, AgentEvent, AgentRecord

# Of the newest ends; reading more takes long.
SEARCHED = 20_000
COUNTED = 2_000
LATELY = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def newest_gone(among: int | None = None) -> QuerySet[AgentEvent]:
    """Return the last ends of agents without a record, newest first.

    `among`: so many of the newest ends; by default SEARCHED.
    """
    most = among or SEARCHED
    earliest = ends_newest_first().order_by("-at").values("at")[most - 1 : most]
    later = AgentEvent.objects.filter(
        HAS_LAST_RECORD, agent_id=OuterRef("agent_id"), pk__gt=OuterRef("pk")
    )
    return ends_newest_first().filter(
        ~Exists(AgentRecord.objects.filter(pk=OuterRef("agent_id"))),
        ~Exists(later),
        at__gte=Coalesce(Subquery(earliest), LONG_AGO),
    )


def find_gone(text: str, limit: int) -> list[AgentEvent]:
    """Return the last ends of agents that are gone with `text` in their id, name or host.

    Newest first, with their records.
    """
    return list(search_gone(newest_gone(), text)[:limit])


def search_gone(gone: QuerySet[AgentEvent], text: str) -> QuerySet[AgentEvent]:
    # PostgreSQL refuses NUL, SQLite very long patterns.
    if "\0" in text or len(text) > MAX_NAME_LENGTH:
        return gone.none()
    if not text:
        return gone
    return gone.filter(
        Q(agent_id__icontains=text)
        | Q(record__agent_name__icontains=text)
        | Q(record__host__icontains=text)
    )


@dataclass(frozen=True)
class Died:
    """Agents that did not deregister, without a record.

    `newest`: some of `total`, each with its last `host`.
    """

    newest: Sequence[AgentEvent]
    total: int


def died() -> QuerySet[AgentEvent]:
    """Return the last ends of those that died within a day and are still gone."""
    return newest_gone(COUNTED).filter(kind=AgentEvent.Kind.PURGED, at__gte=DatabaseNow() - LATELY)


def died_lately(limit: int) -> Died:
    found = died().defer("record")
    found = found.annotate(host=KeyTextTransform("host", "record"), total=Window(Count("*")))
    newest = list(found[:limit])
    return Died(newest, newest[0].total if newest else 0)
