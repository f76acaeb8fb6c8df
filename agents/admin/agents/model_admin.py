"""The fleet: the list of agents, and each agent's page. Nothing is edited here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agents.admin.agent_page import AgentPage
from agents.admin.fleet.exporting import Exports
from agents.admin.fleet.listing import FleetList
from agents.admin.fleet.rows import LiveRows
from agents.admin.fleet.views import SavedViews
from agents.admin.operations import Operations
from agents.admin.purging import Purging
from agents.models import AgentRecord


@admin.register(AgentRecord)
class AgentAdmin(Operations, Purging, LiveRows, Exports, SavedViews, FleetList, AgentPage):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.refuse_what_is_not_allowed(request)
        return super().changelist_view(request, extra_context)
