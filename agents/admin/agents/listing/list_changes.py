from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from agents.admin.agents.listing.matching import Matching
from agents.history import feed
from agents.history.feed import Cursor

MAX_IDS = 200


class ListChanges(Matching):
    """What list_changes.js needs to say how many agents an open list lacks, or has lost."""

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
