import logging
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from agents.addresses import parse_address
from agents.api.throttling import limit_wrong_tokens
from agents.heartbeats.admission import check_token
from agents.log_limits import LogLimit
from agents.problems.errors import LeaseTokenRefused
from agents.tokens import access as access_tokens
from agents.tokens import lease as lease_tokens
from agents.tokens.cache import Access

logger = logging.getLogger("agents.tokens")

SCHEME = "Bearer"
# The same for missing, wrong, expired and revoked tokens; the log says which.
ACCESS_TOKEN_NEEDED = f"Send a good access token in the header: Authorization: {SCHEME} TOKEN."
SECONDS_BETWEEN_LINES = 60.0

_log_limit = LogLimit(SECONDS_BETWEEN_LINES)


@dataclass(frozen=True)
class Lease:
    agent_id: str
    generation: int | None


class AccessTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer TOKEN``; `auth` becomes an `Access`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Access] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != SCHEME.lower().encode():
            return None
        address, token = address_of(request), text.strip().decode("latin-1")
        with limit_wrong_tokens(address, token):
            try:
                access = access_tokens.authenticate(token, address)
            except access_tokens.InvalidToken as error:
                _log_refusal(address, error)
                raise AuthenticationFailed(ACCESS_TOKEN_NEEDED) from error
        return AnonymousUser(), access

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class LeaseTokenAuthentication(BaseAuthentication):
    """``Lease-Token: TOKEN``, on paths with an `agent_id`; `auth` becomes a `Lease`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Lease] | None:
        token = request.headers.get(lease_tokens.HEADER)
        if token is None:
            return None
        agent_id = request.parser_context["kwargs"]["agent_id"]
        try:
            generation = check_token(agent_id, token)
        except lease_tokens.InvalidLeaseToken as error:
            raise LeaseTokenRefused from error
        return AnonymousUser(), Lease(agent_id, generation)

    def authenticate_header(self, request: Request) -> str:
        return lease_tokens.HEADER


def _log_refusal(address: str | None, error: access_tokens.InvalidToken) -> None:
    more = _log_limit.pass_line(f"{address} {error.key}")
    if more is not None:
        logger.warning("an access token from %s is refused: %s%s", address, error, more)


def address_of(request: Request) -> str | None:
    """None: a Unix socket."""
    return parse_address(request.META.get("REMOTE_ADDR", ""))
