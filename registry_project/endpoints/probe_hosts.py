"""Health checks and metrics answer under any host name.

Orchestrators, load balancers and Prometheus call each process by its address and past the proxy:
without TLS, and under none of ALLOWED_HOSTS.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

# A path without its first slash, as SECURE_REDIRECT_EXEMPT wants it.
PROBED = r"^(health(/|$)|metrics/?$)"


class ProbeHosts:
    """Middleware that accepts any Host header for these paths: no answer depends on it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if re.match(PROBED, request.path_info.lstrip("/")):
            request.get_host = lambda: "localhost"  # type: ignore[method-assign]
        return self._get_response(request)
