from collections.abc import Iterable
from typing import Any

from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request


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


def is_browser(request: Request) -> bool:
    if "HTTP_SEC_FETCH_MODE" in request.META:
        return True
    sends_json = str(request.META.get("CONTENT_TYPE", "")).startswith("application/json")
    return not sends_json and "application/xhtml+xml" in request.META.get("HTTP_ACCEPT", "")
