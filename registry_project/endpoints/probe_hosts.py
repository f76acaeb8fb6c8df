"""The pages of what watches the registry: orchestrators, load balancers, Prometheus.

They call each process by its address, past the proxy: without TLS, and under none of ALLOWED_HOSTS.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

# A path without its first slash, as SECURE_REDIRECT_EXEMPT has it.
WATCHED = r"^(health(/|$)|metrics/?$)"


class WatchedByAddress:
    """Takes these calls whatever name they were sent to: no answer of theirs depends on it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if re.match(WATCHED, request.path_info.lstrip("/")):
            request.get_host = lambda: "localhost"  # type: ignore[method-assign]
        return self._get_response(request)
