"""What the browser lets a page load and do (Content-Security-Policy)."""

from functools import cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase

# The framework's pages have attributes with styles.
BROWSABLE_API = {"style-src-attr": ["'unsafe-inline'"]}
# Swagger UI draws its signs from pictures inside its script.
SWAGGER = {"img-src": ["'self'", "data:"]}
# What loads nothing has the policy as it is set: always the same text, which django-csp would write
# anew for each answer.
OF_PROGRAMS = {"application/json", "application/problem+json"}


class ContentPolicy(CSPMiddleware):
    """django-csp's, strict on all pages, and as strict as may be on those that others made."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.headers.get("Content-Type") not in OF_PROGRAMS:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _strict_policy())
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        renderer = getattr(response, "accepted_renderer", None)
        if getattr(renderer, "format", "") == "api":
            parts.update = {**(parts.update or {}), **BROWSABLE_API}
        elif request.path_info.startswith("/docs"):
            parts.update = {**(parts.update or {}), **SWAGGER}
        return parts


@cache
def _strict_policy() -> str:
    return build_policy()
