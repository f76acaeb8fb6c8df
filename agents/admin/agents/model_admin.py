"""The fleet: the list of agents, and each agent's page. Nothing is edited here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agents.admin.agents.held_purge import Purging
from agents.admin.agents.listing.export import Exports
from agents.admin.agents.listing.live_rows import LiveRows
from agents.admin.agents.listing.page import FleetList
from agents.admin.agents.listing.saved_views import SavedViews
from agents.admin.agents.operations import Operations
from agents.admin.agents.page import AgentPage
from agents.models import AgentRecord


@admin.register(AgentRecord)
class AgentAdmin(Operations, Purging, LiveRows, Exports, SavedViews, FleetList, AgentPage):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.refuse_what_is_not_allowed(request)
        return super().changelist_view(request, extra_context)
