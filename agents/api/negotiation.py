import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class Negotiation(DefaultContentNegotiation):
    """Gives programs JSON even if they prefer HTML, as Java's HttpURLConnection does."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        if not (is_browser(request) or request.query_params.get("format")):
            programs = [one for one in renderers if not isinstance(one, BrowsableAPIRenderer)]
            try:
                return super().select_renderer(request, programs, format_suffix)
            except (NotAcceptable, Http404):
                pass
        return super().select_renderer(request, renderers, format_suffix)


def is_plain_json(request: Request) -> bool:
    renderer = getattr(request, "accepted_renderer", None)
    if not isinstance(renderer, JSONRenderer):
        return False
    return renderer.get_indent(request.accepted_media_type or "", {}) is None


def json_response(
    request: Request, data: Any, media_type: str, headers: Mapping[str, str] | None = None
) -> HttpResponseBase:
    """Return JSON with its own media type, or a page for browsers."""
    if not is_plain_json(request):
        return Response(data, headers=headers)
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(content.encode(), content_type=media_type, headers=headers)


def is_browser(request: Request) -> bool:
    if "HTTP_SEC_FETCH_MODE" in request.META:
        return True
    sends_json = str(request.META.get("CONTENT_TYPE", "")).startswith("application/json")
    return not sends_json and "application/xhtml+xml" in request.META.get("HTTP_ACCEPT", "")
