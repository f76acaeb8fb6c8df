from typing import Any, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.template.response import TemplateResponse

from agents.admin.agents.held_purge import held_purge
from agents.admin.agents.listing.changelist import FleetChangeList
from agents.admin.agents.listing.facets import facets
from agents.admin.agents.listing.matching import Matching
from agents.admin.agents.listing.recount import RecountsFacets
from agents.history import feed
from agents.history.feed import Cursor
from agents.leases.purge.sweep_mark import report_sweeps

MAX_IDS = 200


class ListChanges(Matching):
    """What an open list needs to say how many agents it lacks, or has lost, and to count."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Before the list is read, so that no change after it is missed.
        position = feed.settled_position(patience=0) if request.method == "GET" else None
        cursor = "" if position is None else str(Cursor(position))
        return super().changelist_view(request, {"feed_cursor": cursor, **(extra_context or {})})

    def list_changes(self, request: HttpRequest) -> HttpResponse:
        """Return which of the posted ids the list has, with the query of this URL."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ids = [one for one in request.POST.getlist("id")[:MAX_IDS] if "\0" not in one]
        try:
            found = self.matching_agents(request).order_by().filter(pk__in=ids)
            matching = list(found.values_list("pk", flat=True))
        except IncorrectLookupParameters:
            matching = []
        return JsonResponse({"matching": matching})

    def list_counts(self, request: HttpRequest) -> HttpResponse:
        """Return the banners and numbers of the list with the query of this URL, as HTML."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist = cast("FleetChangeList", self.get_changelist_instance(request))
        except IncorrectLookupParameters as error:
            raise Http404 from error
        panel, sweeps = facets(request, changelist), report_sweeps()
        context = {
            "cl": changelist,
            "facets": panel,
            "sweeps": sweeps,
            "held_purge": held_purge(request, sweeps),
        }
        kind = RecountsFacets if panel.is_due else TemplateResponse
        return kind(request, "admin/agents/agentrecord/list_counts.html", context)
