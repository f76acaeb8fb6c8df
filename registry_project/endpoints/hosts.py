"""Checks Host headers, except for health checks and metrics, which are called by address."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from agents.allowed_hosts import check_host

# As SECURE_REDIRECT_EXEMPT takes it: without the first slash.
PROBED = r"^(health(/|$)|metrics/?$)"


class Hosts:
    """Replaces Django's `get_host`, which refuses names with underscores."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        def get_host() -> str:
            host = str(request.META.get("HTTP_HOST") or request.META["SERVER_NAME"])
            check_host(host)
            return host

        is_probe = re.match(PROBED, request.path_info.lstrip("/"))
        request.get_host = (lambda: "localhost") if is_probe else get_host  # type: ignore[method-assign]
        return self._get_response(request)
