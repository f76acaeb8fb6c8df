"""Who calls: by an access token, by the token of a lease, or by the session of the staff."""

import ipaddress
import logging
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from agents.api.throttling import guarded
from agents.rate_limits import MOST_ADDRESSES
from agents.tokens import access as access_tokens
from agents.tokens import lease as lease_tokens
from agents.tokens.cache import Access, Memory

logger = logging.getLogger("agents.tokens")

SCHEME = "Bearer"
# The same for a token that is missing, wrong, expired or revoked: only the log tells which.
SECONDS_BETWEEN_LINES = 60.0
WANTED = f"Send a good access token in the header: Authorization: {SCHEME} TOKEN."

_told = Memory[bool]()


class LeaseTokenRefused(APIException):
    status_code = 403
    default_detail = "The lease token was not issued by this registry for this agent."
    default_code = "invalid_lease_token"


@dataclass(frozen=True)
class Lease:
    """A lease that the caller holds."""

    agent_id: str
    generation: int


class AccessTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer TOKEN``; the request's `auth` becomes the token's `Access`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Access] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != SCHEME.lower().encode():
            return None
        address, token = address_of(request), text.strip().decode("latin-1")
        with guarded(address, token):
            try:
                access = access_tokens.authenticate(token, address)
            except access_tokens.InvalidToken as error:
                _tell_once(f"{address} {error.key}", address, error)
                raise AuthenticationFailed(WANTED) from error
        return AnonymousUser(), access

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return SCHEME


class LeaseTokenAuthentication(BaseAuthentication):
    """``Lease-Token: TOKEN``, on a path with an `agent_id`; `auth` becomes the `Lease`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Lease] | None:
        token = request.headers.get(lease_tokens.HEADER)
        if token is None:
            return None
        agent_id = request.parser_context["kwargs"]["agent_id"]
        try:
            generation = lease_tokens.verify(agent_id, token)
        except lease_tokens.InvalidLeaseToken as error:
            raise LeaseTokenRefused from error
        return AnonymousUser(), Lease(agent_id, generation)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return lease_tokens.HEADER


def _tell_once(key: str, address: str | None, error: Exception) -> None:
    """Log a refusal, but one a minute of the same: who is refused tries again, or floods us."""
    if not _told.get(key):
        _told.put(key, True, SECONDS_BETWEEN_LINES)
        logger.warning("an access token from %s is refused: %s", address, error)


def address_of(request: Request) -> str | None:
    """Return where the call came from; None where the server cannot tell (a Unix socket)."""
    return parse_address(request.META.get("REMOTE_ADDR", ""))


@lru_cache(MOST_ADDRESSES)
def parse_address(text: str) -> str | None:
    """Return an address in its shortest form; None for what is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
