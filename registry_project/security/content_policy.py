from functools import cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase

SWAGGER = {"img-src": ["'self'", "data:"]}
# django-csp would build their policy for each response.
JSON_TYPES = {"application/json", "application/problem+json"}


class ContentPolicy(CSPMiddleware):
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.headers.get("Content-Type") not in JSON_TYPES:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _strict_policy())
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/docs"):
            parts.update = {**(parts.update or {}), **SWAGGER}
        return parts


@cache
def _strict_policy() -> str:
    return build_policy()
