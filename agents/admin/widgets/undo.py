"""The button "Undo" of a message that says what was done."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import template
from django.contrib.messages.storage.base import Message
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from agents.actors import staff
from agents.database.clock import database_now
from agents.history.feed import newest_position
from agents.models import AgentRecord, Undo

OFFERED = timedelta(hours=1)
PREFIX = "undo:"

Change = Sequence[str | None]  # key, before, after
register = template.Library()


@register.filter
def undo_url(message: Message) -> str:
    tags = message.extra_tags or ""
    return tags.removeprefix(PREFIX) if tags.startswith(PREFIX) else ""


class Changes:
    """Makes changes to agents' `column`, and collects what was before."""

    def __init__(self, column: str) -> None:
        self.made: list[Change] = []
        self._column = column

    def make(self, agent_id: str, change: Callable[[], bool]) -> bool:
        if not self._column:
            return change()
        with transaction.atomic():
            before = self._value(agent_id)
            changed = change()
            if changed:
                self.made.append([agent_id, before, self._value(agent_id)])
        return changed

    def _value(self, agent_id: str) -> str | None:
        agents = AgentRecord.objects.select_for_update().filter(pk=agent_id)
        value = agents.values_list(self._column, flat=True).first()
        return value.isoformat() if isinstance(value, datetime) else value


def tags_of(url_name: str, operation: str, changes: Sequence[Change], actor: str) -> str:
    """Return the extra tags of a message whose operation can be undone at `url_name`."""
    if not changes:
        return ""
    now = database_now()
    Undo.objects.filter(created_at__lt=now - OFFERED).delete()
    undo = Undo.objects.create(
        operation=operation,
        actor=actor,
        created_at=now,
        position=newest_position(),
        changes=[*changes],
    )
    return f"{PREFIX}{reverse(url_name, args=[undo.key])}"


def take(request: HttpRequest, key: UUID, operations: Sequence[str]) -> Undo | None:
    """Return what the member of staff did within the last hour, once."""
    mine = Undo.objects.filter(
        pk=key,
        actor=staff(request.user),
        operation__in=operations,
        created_at__gte=database_now() - OFFERED,
    )
    found = mine.first()
    return found if found is not None and mine.delete()[0] else None


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts=None, require_https=request.is_secure()
    )
    return HttpResponseRedirect(url if url and is_ours else otherwise)


def time_of(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
