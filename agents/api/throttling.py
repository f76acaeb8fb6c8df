from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from agents import rate_limits
from agents.addresses import rate_key
from agents.heartbeats import admission
from agents.registrations.admission import IS_COUNTED, WRONG_TOKENS
from agents.tokens import lease as lease_tokens
from agents.tokens import right_tokens
from agents.tokens.cache import Access

KINDS = {
    "register": "REGISTER",
    "list": "READ",
    "retrieve": "READ",
    "pick": "READ",
    "watch": "READ",
    "mcp": "READ",
    "card": "READ",
    "cards": "READ",
    "catalog": "READ",
    "entries": "READ",
    "search": "READ",
    "explore": "READ",
    "announce": "REGISTER",
    "destroy": "DEREGISTER",
}


class RateThrottle(BaseThrottle):
    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        if IS_COUNTED in request.META:
            return True
        action = getattr(view, "action", None) or ""
        refusal = None
        if action == "heartbeat":
            token = request.headers.get(lease_tokens.HEADER)
            refusal = admission.count(view.kwargs["agent_id"], token)
        elif kind := KINDS.get(action):
            refusal = _count(kind, request)
        if refusal is None:
            return True
        self._wait = refusal.wait
        return False

    def wait(self) -> float:
        return self._wait


@contextmanager
def limit_wrong_tokens(address: str | None, token: str) -> Iterator[None]:
    """Wrap a check of `token`. Raise Throttled after too many wrong ones from `address`.

    Tokens that were right recently are always checked: clients may share an address.
    """
    if not right_tokens.was_right(token):
        refusal = rate_limits.check(WRONG_TOKENS, rate_key(address))
        if refusal is not None:
            raise Throttled(refusal.wait)
    try:
        yield
    except AuthenticationFailed:
        right_tokens.forget(token)
        rate_limits.count(WRONG_TOKENS, rate_key(address))
        raise
    right_tokens.remember(token)


def _count(kind: str, request: Request) -> rate_limits.Refusal | None:
    refusal = None
    if isinstance(request.auth, Access):
        refusal = rate_limits.count(f"RATE_{kind}_PER_TOKEN", request.auth.key)
    address = request.META.get("REMOTE_ADDR")
    return refusal or rate_limits.count(f"RATE_{kind}_PER_ADDRESS", rate_key(address))
