from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse

from agents.admin.agents.gone import gone_matches
from agents.admin.agents.held_purge import held_purge
from agents.admin.agents.listing import columns
from agents.admin.agents.listing.changelist import FleetChangeList
from agents.admin.agents.listing.facets import facets, matching_values
from agents.admin.agents.listing.filters import LIST_FILTER, ORDER, REPEATABLE, TYPED
from agents.admin.agents.listing.groups import choices, groups
from agents.admin.agents.listing.heads import heads
from agents.admin.agents.listing.recount import RecountsFacets
from agents.admin.agents.listing.saved_views import BUILT_IN, view_query
from agents.admin.widgets.mixins import ReadOnly
from agents.conditions import with_probes
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import MAX_VIEW_NAME_LENGTH, AgentRecord, SavedView

CHANGE = "agents.change_agentrecord"
CONTAINS = "contains"


class FleetList(ReadOnly, ModelAdmin[AgentRecord]):
    list_display = ["agent_id"]  # columns.py has the columns
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
    show_full_result_count = False

    class Media:
        css = {
            "all": [
                "agents/admin.css",
                "agents/live.css",
                "agents/fleet.css",
                "agents/list.css",
                "agents/facets.css",
                "agents/gone.css",
            ],
        }
        js = [
            forms.Script("agents/fleet.js", type="module"),
            forms.Script("agents/list_changes.js", type="module"),
            forms.Script("agents/list_counts.js", type="module"),
            forms.Script("agents/facets.js", type="module"),
        ]

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
        if not isinstance(response, TemplateResponse):
            return response
        found = response.context_data or {}
        return _with_rows(request, response, found["cl"]) if "cl" in found else response

    def facet_values(self, request: HttpRequest, name: str) -> HttpResponse:
        """Return the values of a facet that contain a text, as HTML for facets.js."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        text = "".join(query.pop(CONTAINS, [])[-1:])
        request.GET = query  # type: ignore[assignment]
        try:
            found = matching_values(request, self.get_changelist_instance(request), name, text)
        except IncorrectLookupParameters:
            found = None
        if found is None:
            raise Http404
        return render(request, "admin/agents/agentrecord/facet_values.html", {"facet": found})


def _with_rows(
    request: HttpRequest, response: TemplateResponse, changelist: FleetChangeList
) -> TemplateResponse:
    context: Any = response.context_data
    panel = facets(request, changelist)
    replaced = {spec.parameter_name for spec in TYPED} - REPEATABLE
    context |= {
        "selection_note_all": f"All selected: {changelist.count_in_words}",
        "facets": panel,
        "groups": groups(changelist),
        "group_choices": choices(changelist),
        "heads": heads(changelist.sorts, changelist.parameters_beside(ORDER)),
        "rows": columns.rows(changelist.result_list, with_boxes=bool(context["action_form"])),
        "typed": [spec for spec in changelist.filter_specs if isinstance(spec, TYPED)],
        "typed_hidden": changelist.parameters_beside(*replaced),
    }
    kind = RecountsFacets if panel.is_due else TemplateResponse
    return kind(request, response.template_name, context)
