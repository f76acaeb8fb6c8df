"""The fleet: the list of agents, and each agent's page. Nothing is edited here."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from agents.admin import cells
from agents.admin.filters import LivenessFilter, StateFilter, StatusFilter
from agents.admin.operations import Operations
from agents.admin.purging import Purging, held_purge
from agents.admin.read_only import ReadOnly
from agents.models import AgentEvent, AgentRecord
from agents.sweeps import report_sweeps

# So many events are on an agent's page; a link leads to all of them.
NEWEST_EVENTS = 20
# (The types of Django's stubs forget that fields may be functions.)
LEASE: list[Any] = [
    *(cells.lease, cells.time_left, cells.expires_at, cells.last_heartbeat_exactly, cells.ttl),
    *(cells.registered_at, cells.registered_by, "generation"),
]
ADDRESS: list[Any] = [cells.address, "seen_address"]
OWN_WORD: list[Any] = [
    *("agent_name", "version", cells.own_status, cells.load_share, "note"),
    *(cells.all_tags, cells.all_skills, cells.metadata),
]
# What would change nothing in an agent of that state.
IDLE = {
    AgentRecord.State.ACTIVE: "resume",
    AgentRecord.State.DRAINING: "drain",
    AgentRecord.State.QUARANTINED: "quarantine",
}


@admin.register(AgentRecord)
class AgentAdmin(ReadOnly, Operations, Purging):
    list_display = [
        *(cells.id_and_name, cells.lease, cells.time_left, cells.last_heartbeat, cells.address),
        *(cells.report, cells.some_tags),
    ]
    list_filter = [LivenessFilter, ("state", StateFilter), ("status", StatusFilter)]
    search_fields = ["agent_id", "agent_name", "host"]
    search_help_text = "Text in the id, the name or the host"
    ordering = ["agent_id"]
    linked_lookups = frozenset({"enrolled_by__exact"})
    fieldsets = [
        ("Lease", {"fields": LEASE}),
        ("Address", {"fields": ADDRESS}),
        ("By the agent's own word", {"fields": OWN_WORD}),
    ]
    readonly_fields = flatten_fieldsets(fieldsets)

    class Media:
        css = {"all": ["agents/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentRecord]:  # noqa: ARG002
        return AgentRecord.objects.with_read_at()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sweeps = report_sweeps()
        shown = {
            "title": "Agents",
            "sweeps": sweeps,
            "held_purge": held_purge(request, sweeps),
            "registry_url": settings.REGISTRY_URL,
        }
        return super().changelist_view(request, shown | (extra_context or {}))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        agent = self.get_object(request, unquote(object_id))
        if agent is None:
            return self._lead_to_history(request, unquote(object_id))
        shown = {
            "title": agent.agent_id,
            "subtitle": "",
            "operations": self._operations(request, agent),
            "events": self._newest_events(request, agent),
            "history_url": cells.history_url(agent.agent_id),
        }
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    def history_view(
        self,
        request: HttpRequest,  # noqa: ARG002
        object_id: str,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        return HttpResponseRedirect(cells.history_url(unquote(object_id)))

    def _operations(self, request: HttpRequest, agent: AgentRecord) -> list[str]:
        """Return the names of the actions that would change something, and are allowed."""
        idle = {IDLE[AgentRecord.State(agent.state)]}
        if agent.is_alive(cells.read_at(agent)):
            idle.add("purge")
        return [name for name in self.get_actions(request) if name not in idle]

    def _newest_events(self, request: HttpRequest, agent: AgentRecord) -> list[AgentEvent] | None:
        """Return the newest part of the agent's history; None if the user may not see it."""
        if not request.user.has_perm("agents.view_agentevent"):
            return None
        return list(AgentEvent.objects.filter(agent_id=agent.pk).order_by("-pk")[:NEWEST_EVENTS])

    def _lead_to_history(self, request: HttpRequest, agent_id: str) -> HttpResponse:
        """Answer for an agent that was purged, say, while its page was open."""
        text = f"The agent {agent_id} has no record (any more)."
        if not request.user.has_perm("agents.view_agentevent"):
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:agents_agentrecord_changelist"))
        self.message_user(request, f"{text} This is its history.", messages.WARNING)
        return HttpResponseRedirect(cells.history_url(agent_id))
