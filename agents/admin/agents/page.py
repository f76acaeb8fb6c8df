"""One agent: all that is known of it, also when it is gone. Nothing is edited here."""

from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import get_conditional_response

from agents.admin.agents import metadata
from agents.admin.agents.addresses import base_url
from agents.admin.agents.card import known_card
from agents.admin.agents.history import (
    History,
    draw,
    how_it_went,
    operators_event,
    read_history,
)
from agents.admin.agents.operations.kinds import OPERATIONS
from agents.admin.widgets import cells
from agents.conditions import condition_of
from agents.durations import ago, in_words
from agents.leases.purge.registry_uptime import report_uptime
from agents.models import AccessToken, AgentEvent, AgentRecord

# So many events are on the page; a link leads to all of them.
NEWEST_EVENTS = 20
HISTORY = "agents.view_agentevent"
TOKENS = "agents.view_accesstoken"
TEMPLATES = "admin/agents/agentrecord"


@dataclass(frozen=True)
class Lease:
    """How long it lasts, in seconds, as a meter shows it; `left` is negative after its end."""

    left: float
    ttl: int

    @property
    def shown(self) -> str:
        return f"{min(max(self.left, 0), self.ttl):.1f}"

    @property
    def third(self) -> str:
        return f"{self.ttl / 3:.3f}"

    @property
    def in_words(self) -> str:
        return f"{in_words(self.left)} left" if self.left > 0 else f"ended {ago(-self.left)}"


class AgentPage(ModelAdmin[AgentRecord]):
    """The page of an agent, and what is asked for every few seconds to keep it up to date."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.now_view)
        return [
            path("<path:object_id>/now/", view, name="agents_agentrecord_now"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request) or request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        agent_id = unquote(object_id)
        agent = self.get_object(request, agent_id)
        history = read_history(agent_id) if request.user.has_perm(HISTORY) else None
        if agent is None:
            return self._gone(request, agent_id, history)
        shown = {
            **self._frame(request, agent_id),
            **_now(agent, history, history.operators_event(agent) if history else None),
            **_timeline(agent, history),
            "operations": self._operations(request, agent),
            "card": known_card(agent),
            "base_url": base_url(agent),
            "addresses_differ": addresses_differ(agent),
            "token": _token_name(request, agent),
            "metadata_rows": list(metadata.rows(agent.metadata)),
            "metadata_json": metadata.as_json(agent.metadata),
        }
        context = shown | (extra_context or {})
        return TemplateResponse(request, f"{TEMPLATES}/agent.html", context)

    def now_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer with the parts of the page that change by themselves, and an ETag of them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        agent_id = unquote(object_id)
        agent = self.get_object(request, agent_id)
        may_see = request.user.has_perm(HISTORY)
        history = read_history(agent_id, NEWEST_EVENTS) if may_see else None
        context: dict[str, Any] = {"agent_id": agent_id, "is_fragment": True}
        if agent is not None:
            operator = operators_event(agent) if may_see else None
            context |= _now(agent, history, operator)
        elif history is not None:
            context |= {"went": how_it_went(history), "events": history.events}
        html = render_to_string(f"{TEMPLATES}/now.html", context, request)
        response = HttpResponse(html)
        etag = f'"{blake2b(html.encode(), digest_size=16).hexdigest()}"'
        response["ETag"] = etag
        return cast("HttpResponse", get_conditional_response(request, etag, response=response))

    def history_view(
        self,
        request: HttpRequest,  # noqa: ARG002
        object_id: str,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        return HttpResponseRedirect(cells.history_url(unquote(object_id)))

    def _gone(self, request: HttpRequest, agent_id: str, history: History | None) -> HttpResponse:
        """Answer for an agent that was purged, say, while its page was open, or long ago."""
        if history is None or not history.events:
            known = " The history tells nothing of it." if history else ""
            text = f"The agent {agent_id} has no record (any more).{known}"
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:agents_agentrecord_changelist"))
        shown = {
            **self._frame(request, agent_id),
            **_timeline(None, history),
            "went": how_it_went(history),
            "events": history.events[:NEWEST_EVENTS],
        }
        return TemplateResponse(request, f"{TEMPLATES}/gone.html", shown)

    def _frame(self, request: HttpRequest, agent_id: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": agent_id,
            "opts": self.opts,
            "media": self.media,
            "agent_id": agent_id,
            "now_url": reverse("admin:agents_agentrecord_now", args=[quote(agent_id)]),
            "history_url": cells.history_url(agent_id),
        }

    def _operations(self, request: HttpRequest, agent: AgentRecord) -> list[str]:
        """Return the names of the actions that would change something, and are allowed."""
        allowed = self.get_actions(request)
        is_alive = agent.is_alive(cells.read_at(agent))
        return [
            name
            for name, operation in OPERATIONS.items()
            if name in allowed and operation.would_change(agent, is_alive=is_alive)
        ]


def addresses_differ(agent: AgentRecord) -> bool:
    """Whether it was seen at another address than it says; of a host's name nobody knows."""
    try:
        advertised = ip_address(agent.host)
    except ValueError:
        return False
    return bool(agent.seen_address) and ip_address(str(agent.seen_address)) != advertised


def _now(
    agent: AgentRecord, history: History | None, operator: AgentEvent | None
) -> dict[str, Any]:
    """Return what changes by itself. `history` None: the user may not see it."""
    now = cells.read_at(agent)
    return {
        "agent": agent,
        "now": now,
        "condition": condition_of(agent, now, operator),
        "lease": Lease((agent.expires_at - now).total_seconds(), agent.ttl_seconds),
        "events": history.events[:NEWEST_EVENTS] if history else None,
    }


def _timeline(agent: AgentRecord | None, history: History | None) -> dict[str, Any]:
    if history is None:
        return {}
    now = cells.read_at(agent or history.events[0])
    up_since = None
    if uptime := report_uptime():
        up_since = uptime.up_since if uptime.is_at_work else now
    return {
        "timeline": draw(history, agent, now, up_since),
        "retention_days": settings.EVENT_RETENTION_DAYS,
    }


def _token_name(request: HttpRequest, agent: AgentRecord) -> AccessToken | None:
    """Return the token that the agent was registered with, if it is there and for these eyes."""
    if not agent.enrolled_by or not request.user.has_perm(TOKENS):
        return None
    return AccessToken.objects.filter(key=agent.enrolled_by).first()
