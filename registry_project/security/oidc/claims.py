from collections.abc import Mapping
from typing import Any

from django.conf import settings


def value_of(claims: Mapping[str, Any], name: str) -> Any:
    """`name`: of a claim, or a path such as ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def roles_of(claims: Mapping[str, Any]) -> set[str]:
    found = value_of(claims, settings.OIDC_ROLES_CLAIM)
    values = {str(one) for one in (found if isinstance(found, list) else [found])}
    return {role for role, wanted in settings.OIDC_ROLES.items() if wanted & values}


def text_of(claims: Mapping[str, Any], name: str, longest: int = 150) -> str:
    value = claims.get(name)
    return value.strip()[:longest] if isinstance(value, str) else ""
