from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agents.admin.agents.held_purge import PurgeAnyway
from agents.admin.agents.listing.export import Exports
from agents.admin.agents.listing.live_rows import LiveRows
from agents.admin.agents.listing.page import FleetList
from agents.admin.agents.listing.saved_views import SavedViews
from agents.admin.agents.operations import Operations
from agents.admin.agents.page import AgentPage
from agents.models import AgentRecord


@admin.register(AgentRecord)
class AgentAdmin(Operations, PurgeAnyway, LiveRows, Exports, SavedViews, FleetList, AgentPage):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.check_operation_permission(request)
        return super().changelist_view(request, extra_context)
