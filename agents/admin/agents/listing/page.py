from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.agents.gone import gone_matches
from agents.admin.agents.held_purge import held_purge
from agents.admin.agents.listing import columns
from agents.admin.agents.listing.changelist import FleetChangeList
from agents.admin.agents.listing.filters import LIST_FILTER
from agents.admin.agents.listing.saved_views import BUILT_IN, view_query
from agents.admin.widgets.mixins import ReadOnly
from agents.conditions import with_probes
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import MAX_VIEW_NAME_LENGTH, AgentRecord, SavedView

CHANGE = "agents.change_agentrecord"


class FleetList(ReadOnly, ModelAdmin[AgentRecord]):
    list_display = columns.COLUMNS
    list_display_links = [columns.agent]
    list_filter = LIST_FILTER
    linked_lookups = frozenset(
        {
            "host",
            "version",
            "state",
            "status",
            "state__exact",
            "status__exact",
            "enrolled_by__exact",
        }
    )
    search_fields = ["agent_id", "agent_name", "host"]
    search_help_text = "Part of the id, name or host"
    ordering = ["agent_id"]
    show_full_result_count = False

    class Media:
        css = {
            "all": ["agents/admin.css", "agents/live.css", "agents/fleet.css", "agents/gone.css"],
        }
        js = [
            forms.Script("agents/fleet.js", type="module"),
            forms.Script("agents/list_changes.js", type="module"),
        ]

    @admin.display()
    def action_checkbox(self, obj: AgentRecord) -> SafeString:
        # Rendering a template for each row would take a quarter of the page's time.
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select"'
            ' aria-label="Select {} for an action">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj.pk,
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentRecord]:
        return with_probes(AgentRecord.objects.with_read_at())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FleetChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sweeps = report_sweeps()
        context: dict[str, Any] = {
            "title": "Agents",
            "sweeps": sweeps,
            "held_purge": held_purge(request, sweeps),
            "gone_matches": gone_matches(request),
            "registry_url": settings.REGISTRY_URL,
            "built_in_views": BUILT_IN,
            "saved_views": SavedView.objects.all(),
            "this_view": view_query(request.GET.lists()),
            "may_save_views": request.user.has_perm(CHANGE),
            "max_view_name": MAX_VIEW_NAME_LENGTH,
            "actions_selection_counter": True,
        }
        response = super().changelist_view(request, context | (extra_context or {}))
        rendered = getattr(response, "context_data", None)
        if rendered and "cl" in rendered:
            rendered["selection_note_all"] = f"All selected: {rendered['cl'].count_in_words}"
        return response
