"""The fleet: the list of agents. Nothing is edited here."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from agents.admin import cells
from agents.admin.agent_page import AgentPage
from agents.admin.filters import LivenessFilter, StateFilter, StatusFilter
from agents.admin.operations import Operations
from agents.admin.purging import Purging, held_purge
from agents.admin.read_only import ReadOnly
from agents.models import AgentRecord
from agents.sweeps import report_sweeps


@admin.register(AgentRecord)
class AgentAdmin(ReadOnly, Operations, Purging, AgentPage):
    list_display = [
        *(cells.id_and_name, cells.lease, cells.time_left, cells.last_heartbeat, cells.address),
        *(cells.report, cells.some_tags),
    ]
    list_filter = [LivenessFilter, ("state", StateFilter), ("status", StatusFilter)]
    search_fields = ["agent_id", "agent_name", "host"]
    search_help_text = "Text in the id, the name or the host"
    ordering = ["agent_id"]
    linked_lookups = frozenset({"enrolled_by__exact"})

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
