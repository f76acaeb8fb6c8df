from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response

from agents.admin.dashboard.overview import charts, may_view_agents, overview
from agents.database.clock import database_now
from agents.leases.fleet.last_count import LARGE

SECONDS, SECONDS_IF_LARGE = 5, 10


def front_page(request: HttpRequest) -> HttpResponse:
    present = overview(request)
    context = _context(overview=present, may_view_agents=may_view_agents(request.user))
    is_large = present.count is not None and present.count.registered >= LARGE
    context["seconds"] = SECONDS_IF_LARGE if is_large else SECONDS
    if context["may_view_agents"]:
        context["charts"], _ = charts(present.health.now)
    return admin.site.index(request, context)


def live_overview(request: HttpRequest) -> HttpResponseBase:
    present = overview(request)
    return _conditional(request, present.etag, "admin/overview/now.html", overview=present)


def live_charts(request: HttpRequest) -> HttpResponseBase:
    if not may_view_agents(request.user):
        raise PermissionDenied
    drawn, etag = charts(database_now())
    return _conditional(request, etag, "admin/overview/charts.html", charts=drawn)


def _conditional(
    request: HttpRequest, etag: str, template: str, **context: Any
) -> HttpResponseBase:
    not_modified = get_conditional_response(request, etag=etag)
    if not_modified is not None:
        return not_modified
    response = render(request, template, _context(**context))
    response["ETag"] = etag
    return response


def _context(**context: Any) -> dict[str, Any]:
    return {"registry_url": settings.REGISTRY_URL, **context}
