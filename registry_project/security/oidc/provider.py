"""The OpenID provider as it describes itself (OpenID Connect Discovery 1.0)."""

import time
from typing import Any

import requests
from django.conf import settings
from mozilla_django_oidc.utils import import_from_settings

from registry_project.security.oidc.errors import ProviderFailed

KEPT_SECONDS = 600
ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}
NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")

_kept: dict[str, tuple[float, dict[str, Any]]] = {}


def describe_provider() -> dict[str, Any]:
    """Raise ProviderFailed."""
    issuer = settings.OIDC_ISSUER
    at, description = _kept.get(issuer, (0.0, {}))
    if not description or time.monotonic() - at > KEPT_SECONDS:
        description = _fetch(issuer)
        _kept[issuer] = time.monotonic(), description
    return description


def setting(name: str, *default: Any) -> Any:
    """What mozilla-django-oidc takes for a setting."""
    if name in ENDPOINTS:
        return describe_provider().get(ENDPOINTS[name], "")
    return import_from_settings(name, *default)


def _fetch(issuer: str) -> dict[str, Any]:
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        response = requests.get(url, timeout=settings.OIDC_TIMEOUT)
        response.raise_for_status()
        description = response.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderFailed("The sign-in provider does not answer.", f"{url}: {error}") from error
    if not isinstance(description, dict) or not all(
        isinstance(description.get(name), str) for name in NEEDED
    ):
        raise ProviderFailed(
            "The sign-in provider does not describe itself.", f"{url} has not all of {NEEDED}"
        )
    if description["issuer"].rstrip("/") != issuer.rstrip("/"):
        raise ProviderFailed(
            "The sign-in provider is another one.", f"{url} is of {description['issuer']!r}"
        )
    return description
