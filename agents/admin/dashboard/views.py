"""The front page, and what it asks for to refresh itself: its parts, or that they are the same.

For the staff alone: the URLs lead here through the admin's own door.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response

from agents.admin.dashboard.overview import charts, may_see_agents, overview
from agents.database.clock import database_now
from agents.metrics.shared_counts import LARGE

# Between two refreshes; the larger the fleet, the longer it takes to count it.
SECONDS, SECONDS_IF_LARGE = 5, 10


def front_page(request: HttpRequest) -> HttpResponse:
    """Django's own front page of the admin, with all parts of ours."""
    shown = overview(request)
    context = _context(overview=shown, may_see_agents=may_see_agents(request.user))
    is_large = shown.tally is not None and shown.tally.total >= LARGE
    context["seconds"] = SECONDS_IF_LARGE if is_large else SECONDS
    if context["may_see_agents"]:
        context["charts"], _ = charts(shown.health.now)
    return admin.site.index(request, context)


def live_overview(request: HttpRequest) -> HttpResponseBase:
    """The part that is told every few seconds; 304 when it is still the same."""
    shown = overview(request)
    return _unless_the_same(request, shown.etag, "admin/overview/now.html", overview=shown)


def live_charts(request: HttpRequest) -> HttpResponseBase:
    """The part with the charts, in the same way. 403 for who may not see the agents."""
    if not may_see_agents(request.user):
        raise PermissionDenied
    drawn, etag = charts(database_now())
    return _unless_the_same(request, etag, "admin/overview/charts.html", charts=drawn)


def _unless_the_same(
    request: HttpRequest, etag: str, template: str, **shown: Any
) -> HttpResponseBase:
    same = get_conditional_response(request, etag=etag)
    if same is not None:
        return same
    response = render(request, template, _context(**shown))
    response["ETag"] = etag
    return response


def _context(**shown: Any) -> dict[str, Any]:
    return {"registry_url": settings.REGISTRY_URL, **shown}
