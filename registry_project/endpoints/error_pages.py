"""Errors: pages that lead on in the dashboard and the docs, Problem Details elsewhere."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from agents.admin.widgets.times import in_both
from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.problems.details import MEDIA_TYPE, problem
from agents.problems.errors import RETRY_AFTER_SECONDS, RegistryUnavailable
from agents.problems.responses import FAULT, NOT_FOUND

PAGES = ("/admin", "/docs")
FORBIDDEN = "You do not have the permission for this."
CSRF = "The CSRF token is missing or wrong."
ORIGIN_REASONS = ("Origin checking failed", "Referer checking failed")
# If even the template of the page fails.
LAST_RESORT = "<!DOCTYPE html><title>Error</title><h1>The registry has made an error</h1>"
LAST_RESORT += '<p>The log says more. <a href="/admin/">Overview</a></p>'

logger = logging.getLogger("registry_project.endpoints.error_pages")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if isinstance(exception, DisallowedHost):
        return _problem_json(HTTPStatus.BAD_REQUEST, str(exception))
    if _is_page(request):
        return _page(request, HTTPStatus.BAD_REQUEST)
    return _problem_json(HTTPStatus.BAD_REQUEST, "The request cannot be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001
    if _is_page(request):
        return _page(request, HTTPStatus.FORBIDDEN)
    return _problem_json(HTTPStatus.FORBIDDEN, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    if not _is_page(request):
        return _problem_json(HTTPStatus.FORBIDDEN, CSRF)
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
    return _page(
        request,
        HTTPStatus.FORBIDDEN,
        "csrf",
        came_from=came_from if is_ours else "",
        is_about_origin=reason.startswith(ORIGIN_REASONS),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001
    if _is_page(request):
        return _page(request, HTTPStatus.NOT_FOUND)
    return _problem_json(HTTPStatus.NOT_FOUND, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponseBase:
    error = sys.exc_info()[1]
    if isinstance(error, DataError):
        return bad_request(request, error)
    if isinstance(error, UNAVAILABLE):
        log_unavailable(error)
        status, detail = HTTPStatus.SERVICE_UNAVAILABLE, RegistryUnavailable.default_detail
    else:
        status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, FAULT
    response: HttpResponseBase
    if _is_page(request):
        response = _page_without_database(request, status)
    else:
        response = _problem_json(status, detail)
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


class RefusedMethods:
    """Adds a page to Django's empty answer, as after a reload of what only a form may call."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        is_refused = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        if not is_refused or request.method != "GET" or not _is_page(request):
            return response
        page = _page(request, HTTPStatus.METHOD_NOT_ALLOWED)
        page["Allow"] = response["Allow"]
        return page


def _is_page(request: HttpRequest) -> bool:
    return request.path.startswith(PAGES)


def _page(
    request: HttpRequest, status: HTTPStatus, name: str | None = None, **context: Any
) -> HttpResponse:
    if hasattr(request, "user"):  # else a middleware before that one has failed
        context = admin.site.each_context(request) | context
    return render(request, f"admin/errors/{name or status.value}.html", context, status=status)


def _page_without_database(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    """Without context processors too, which look for the user."""
    context = {
        "site_header": admin.site.site_header,
        "site_title": admin.site.site_title,
        "at": in_both(timezone.now()),
        "may_repeat": request.method == "GET",
        "address": request.get_full_path(),
    }
    try:
        html: str = render_to_string(f"admin/errors/{status.value}.html", context)
    except Exception:
        logger.exception("The page of an error cannot be made")
        html = LAST_RESORT
    return HttpResponse(html, status=status)


def _problem_json(status: HTTPStatus, detail: str) -> JsonResponse:
    return JsonResponse(problem(status, detail), status=status, content_type=MEDIA_TYPE)
