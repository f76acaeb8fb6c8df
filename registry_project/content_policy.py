"""What the browser lets a page load and do (Content-Security-Policy)."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

# The framework's pages have attributes with styles.
BROWSABLE_API = {"style-src-attr": ["'unsafe-inline'"]}
# Swagger UI draws its signs from pictures inside its script.
SWAGGER = {"img-src": ["'self'", "data:"]}


class ContentPolicy(CSPMiddleware):
    """django-csp's, strict on all pages, and as strict as may be on those that others made."""

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
