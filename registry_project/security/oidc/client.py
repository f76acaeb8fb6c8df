"""Exchanges a code for checked claims (OpenID Connect Core 1.0, sections 3.1.3 and 5.3)."""

from typing import Any

import jwt
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.utils.crypto import constant_time_compare
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from registry_project.security.oidc.claims import value_of
from registry_project.security.oidc.errors import ProviderFailed, SignInFailed
from registry_project.security.oidc.provider import describe_provider, setting

LEEWAY_SECONDS = 60
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class Client(OIDCAuthenticationBackend):  # type: ignore[misc]  # has no types
    """Of mozilla-django-oidc's backend only what talks to the provider.

    That backend checks neither issuer nor audience, and knows people by their mail addresses.
    """

    get_settings = staticmethod(setting)

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """Return the provider's tokens. Raise SignInFailed."""
        payload = {
            "client_id": self.OIDC_RP_CLIENT_ID,
            "client_secret": self.OIDC_RP_CLIENT_SECRET,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        try:
            tokens = self.get_token(payload)
        except requests.HTTPError as error:
            status = "" if error.response is None else error.response.status_code
            reason = f"the token endpoint answers {status}"
            raise SignInFailed("The sign-in provider refuses this sign-in.", reason) from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderFailed("The sign-in provider does not answer.", str(error)) from error
        if not isinstance(tokens, dict) or not isinstance(tokens.get("id_token"), str):
            raise ProviderFailed("The sign-in provider sent no ID token.")
        return tokens

    def claims_of(self, tokens: dict[str, Any], nonce: str) -> dict[str, Any]:
        """Raise SignInFailed."""
        try:
            claims = self._checked(tokens["id_token"], nonce)
            if value_of(claims, settings.OIDC_ROLES_CLAIM) is None and self.OIDC_OP_USER_ENDPOINT:
                claims = self._more(tokens.get("access_token"), claims["sub"]) | claims
        except requests.RequestException as error:
            raise ProviderFailed("The sign-in provider does not answer.", str(error)) from error
        # A provider's answer may have any shape.
        except (jwt.PyJWTError, SuspiciousOperation, LookupError, TypeError, ValueError) as error:
            raise SignInFailed(
                "The sign-in provider's answer is not valid.", repr(error)
            ) from error
        return claims

    def _more(self, access_token: Any, subject: str) -> dict[str, Any]:
        more: dict[str, Any] = self.get_userinfo(access_token, None, None)
        if more.get("sub") != subject:
            raise SuspiciousOperation("userinfo is about somebody else")
        return more

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            self.retrieve_matching_jwk(token),
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            audience=self.OIDC_RP_CLIENT_ID,
            issuer=describe_provider()["issuer"],
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
        if not nonce or not constant_time_compare(claims["nonce"], nonce):
            raise SuspiciousOperation("the nonce is another one")
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (is_shared or "azp" in claims) and claims.get("azp") != self.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("the token was issued to another client")
        return claims
