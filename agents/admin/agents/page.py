from hashlib import blake2b
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.html import format_html

from agents.admin.agents.operations.kinds import OPERATIONS
from agents.admin.agents.page_context import (
    NEWEST_EVENTS,
    current_facts,
    last_record,
    registration_facts,
    timeline,
)
from agents.admin.widgets import cells
from agents.admin.widgets.pages import admin_page
from agents.admin.widgets.times import exact
from agents.history.of_agent import History, describe_end, operator_event, read_history
from agents.models import AgentRecord
from agents.querysets import read_at

VIEW_HISTORY = "agents.view_agentevent"


class AgentPage(ModelAdmin[AgentRecord]):
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request) or request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        agent_id = unquote(object_id)
        agent = self.get_object(request, agent_id)
        history = read_history(agent_id) if request.user.has_perm(VIEW_HISTORY) else None
        if agent is None:
            return self._gone(request, agent_id, history)
        context = {
            **current_facts(agent, history, history.operator_event(agent) if history else None),
            **timeline(agent, history),
            **registration_facts(request, agent),
            "operations": self._operations(request, agent),
            **(extra_context or {}),
        }
        return self._page(request, "agent.html", agent_id, **context)

    def now_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        agent_id = unquote(object_id)
        agent = self.get_object(request, agent_id)
        may_view_history = request.user.has_perm(VIEW_HISTORY)
        history = read_history(agent_id, NEWEST_EVENTS) if may_view_history else None
        context: dict[str, Any] = {"agent_id": agent_id}
        if agent is not None:
            set_by = operator_event(agent) if may_view_history else None
            context |= current_facts(agent, history, set_by)
        elif history is not None:
            context |= {"end": describe_end(history, format_html, exact), "events": history.events}
        html = render_to_string("admin/agents/agentrecord/now.html", context, request)
        response = HttpResponse(html)
        etag = f'"{blake2b(html.encode(), digest_size=16).hexdigest()}"'
        response["ETag"] = etag
        return cast("HttpResponse", get_conditional_response(request, etag, response=response))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(cells.history_url(unquote(object_id)))

    def _gone(self, request: HttpRequest, agent_id: str, history: History | None) -> HttpResponse:
        if history is None or not history.events:
            no_history = " and no history" if history else ""
            text = f"Agent {agent_id} has no record{no_history}."
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:agents_agentrecord_changelist"))
        return self._page(
            request,
            "gone.html",
            agent_id,
            **timeline(None, history),
            **last_record(agent_id),
            end=describe_end(history, format_html, exact),
            events=history.events[:NEWEST_EVENTS],
        )

    def _page(
        self, request: HttpRequest, template: str, agent_id: str, **context: Any
    ) -> HttpResponse:
        frame = {
            "title": agent_id,
            "agent_id": agent_id,
            "now_url": reverse("admin:agents_agentrecord_now", args=[quote(agent_id)]),
            "history_url": cells.history_url(agent_id),
        }
        return admin_page(self, request, template, **(frame | context))

    def _operations(self, request: HttpRequest, agent: AgentRecord) -> list[str]:
        allowed = self.get_actions(request)
        is_alive = agent.is_alive(read_at(agent))
        return [
            name
            for name, operation in OPERATIONS.items()
            if name in allowed and operation.would_change(agent, is_alive=is_alive)
        ]
