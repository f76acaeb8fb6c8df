from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control

from agents.admin.dashboard.charts import Chart
from agents.admin.dashboard.overview import living, may_view_agents, overview
from agents.admin.dashboard.spans import SPANS
from agents.database.clock import database_now
from agents.leases.fleet.last_count import LARGE

SECONDS, SECONDS_IF_LARGE = 5, 10
MOST_ON_ICON = 99
DAY = 86_400


def front_page(request: HttpRequest) -> HttpResponse:
    present = overview(request)
    context = _context(overview=present, may_view_agents=may_view_agents(request.user))
    is_large = present.count is not None and present.count.registered >= LARGE
    context["seconds"] = SECONDS_IF_LARGE if is_large else SECONDS
    if context["may_view_agents"]:
        context |= _charts(living(request.GET.get("span", ""), present.health.now)[0])
    return admin.site.index(request, context)


def live_overview(request: HttpRequest) -> HttpResponseBase:
    present = overview(request)
    return _conditional(request, present.etag, "admin/overview/now.html", overview=present)


def live_charts(request: HttpRequest) -> HttpResponseBase:
    if not may_view_agents(request.user):
        raise PermissionDenied
    chart, etag = living(request.GET.get("span", ""), database_now())
    return _conditional(request, etag, "admin/overview/living.html", **_charts(chart))


def live_attention(request: HttpRequest) -> HttpResponseBase:
    """Only the list, for pages that are hidden and want to notify."""
    present = overview(request)
    return _conditional(
        request,
        present.etag,
        "admin/overview/attention.html",
        overview=present,
        attention=present.attention,
        held_purge=present.held_purge,
        now=present.health.now,
    )


def icon(request: HttpRequest, count: int) -> HttpResponse:
    """The icon of the page, with the number of what needs attention."""
    text = f"{count}" if count <= MOST_ON_ICON else f"{MOST_ON_ICON}+"
    response = render(request, "admin/overview/icon.svg", {"count": count, "text": text})
    response["Content-Type"] = "image/svg+xml"
    patch_cache_control(response, private=True, max_age=DAY)
    return response


def _charts(chart: Chart) -> dict[str, Any]:
    spans = [(name, span.name, span is chart.span) for name, span in SPANS.items()]
    chosen = next(name for name, _, is_chosen in spans if is_chosen)
    return {"chart": chart, "spans": spans, "span": chosen}


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
