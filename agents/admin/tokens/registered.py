"""All agents that a token has registered, alive and gone."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.widgets import cells
from agents.admin.widgets.pages import admin_page
from agents.database.clock import database_now
from agents.history.registered import registered_by
from agents.models import AccessToken, AgentRecord

MAX_ID = 2**63 - 1
VIEW = ("agents.view_accesstoken", "agents.view_agentevent")
GONE = format_html('<span class="agent-label">{}</span>', "gone")


class RegisteredAgents(ModelAdmin[AccessToken]):
    def registered(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perms(VIEW):
            raise PermissionDenied
        token = get_object_or_404(AccessToken.objects.with_agents(), pk=pk)
        page = registered_by(token, _number(request.GET.get("before", "")))
        now = database_now()
        rows: list[dict[str, Any]] = [
            {
                "agent_id": row.event.agent_id,
                "url": cells.agent_url(row.event.agent_id),
                "now": _now(row.agent, token),
                "at": cells.when(row.event.at, now),
                "address": row.event.address or cells.NOTHING,
            }
            for row in page.rows
        ]
        return admin_page(
            self,
            request,
            "registered.html",
            title=f"Agents that {token.name} registered",
            token=token,
            token_url=cells.token_url(token),
            fleet_url=cells.fleet_url(token),
            rows=rows,
            next=page.next,
            is_first="before" not in request.GET,
            now=now,
        )


def _now(agent: AgentRecord | None, token: AccessToken) -> SafeString:
    if agent is None:
        return GONE
    lease = cells.lease(agent)
    if agent.enrolled_by == token.key:
        return lease
    by = f"token {agent.enrolled_by}" if agent.enrolled_by else "no token"
    return format_html('{}<span class="agent-aside">registered again with {}</span>', lease, by)


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))
    return min(int(text), MAX_ID) if is_number else None
