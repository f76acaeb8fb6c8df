"""Hooks for the OpenAPI document; the settings name them."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from agents.api.authentication import AccessTokenAuthentication, LeaseTokenAuthentication
from agents.problems.details import MEDIA_TYPE as PROBLEM_JSON
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open

# Paths whose calls have rates.
LIMITED = ("/agents", "/events", "/ard/", "/.well-known/")
# Calls with a body that read.
READING = ("/ard/search", "/ard/explore")


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = AccessTokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Issued in the admin or by `manage.py issue_token`: to register "
            "agents, to read about them, or both.",
        }


class LeaseTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = LeaseTokenAuthentication
    name = "leaseToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": lease_tokens.HEADER,
            "description": "From the answer to the registration. It lets the registry refuse (409) "
            "a process whose id a newer registration holds.",
        }


def mark_optional_tokens(result: Any, generator: Any, **_options: Any) -> Any:
    for path, methods in result["paths"].items():
        for method, call in methods.items():
            reading = settings.REGISTRY_PUBLIC_READ and (method == "get" or path in READING)
            needed = call.get("security", [{}])
            if (is_open() or reading) and {} not in needed:
                needed.append({})
    return result


def add_rate_refusals(result: Any, generator: Any, **_options: Any) -> Any:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refusal = {
        "description": "Too many calls. Try again after the seconds in Retry-After.",
        "headers": {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}},
        "content": {PROBLEM_JSON: problem},
    }
    for path, methods in result["paths"].items():
        for call in methods.values():
            if path.startswith(LIMITED):
                call["responses"]["429"] = refusal
    return result


def make_fields_optional(result: Any, generator: Any, **_options: Any) -> Any:
    result["components"]["schemas"]["Agent"].pop("required")
    return result


def without_slashes(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]
