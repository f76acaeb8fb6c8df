"""How often callers may do something: by access token, by address, and by lease.

The rates are settings (RATE_...). Who is refused gets 429 with Retry-After, in whole seconds.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from agents import rate_limits
from agents.tokens import lease as lease_tokens
from agents.tokens.cache import Access, Memory

KINDS = {"register": "REGISTER", "list": "READ", "retrieve": "READ", "destroy": "DEREGISTER"}
WRONG_TOKENS = "RATE_WRONG_TOKENS_PER_ADDRESS"
HEARTBEATS = "RATE_HEARTBEAT_PER_AGENT"
REGISTRATIONS = "RATE_REGISTER_PER_AGENT"
# For so long a token that was good is tried again where others are not any more.
GOOD_SECONDS = 600.0

_good = Memory[bool]()
_heartbeats = rate_limits.Pulse()
_registrations = rate_limits.Pulse()


class RateThrottle(BaseThrottle):
    """Registering, reading and deregistering, by token and by address; heartbeats, by agent."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        action = getattr(view, "action", None) or ""
        refusal = None
        if action == "heartbeat":
            token = request.headers.get(lease_tokens.HEADER)
            refusal = count_heartbeat(view.kwargs["agent_id"], token)
        elif kind := KINDS.get(action):
            refusal = _count(kind, request)
        if refusal is None:
            return True
        self._wait = refusal.wait
        return False

    def wait(self) -> float:
        return self._wait


def count_registration(agent_id: str) -> None:
    """Count one more registration of an id: the history keeps each of them. Raise Throttled."""
    refusal = _registrations.count(getattr(settings, REGISTRATIONS), hash(agent_id))
    if refusal is not None:
        raise Throttled(refusal.wait)


def count_heartbeat(agent_id: str, token: str | None) -> rate_limits.Refusal | None:
    """Count one more heartbeat; refuse it beyond the rate.

    It counts by the lease's token, so that others cannot use up what an agent may do.
    """
    return _heartbeats.count(getattr(settings, HEARTBEATS), hash((agent_id, token)))


@contextmanager
def guarded(address: str | None, token: str) -> Iterator[None]:
    """Let the body find out whether `token` is good. Raise Throttled where too many were not.

    Then nothing is looked up any more for that address, but for tokens that were good a while ago:
    the neighbours of one who has a wrong token are not to suffer for it.
    """
    mark = hashlib.sha256(token.encode()).hexdigest()
    if not _good.get(mark):
        refusal = rate_limits.look(WRONG_TOKENS, rate_limits.address_key(address))
        if refusal is not None:
            raise Throttled(refusal.wait)
    try:
        yield
    except AuthenticationFailed:
        _good.forget(mark)
        rate_limits.count(WRONG_TOKENS, rate_limits.address_key(address))
        raise
    _good.put(mark, True, GOOD_SECONDS)


def _count(kind: str, request: Request) -> rate_limits.Refusal | None:
    refusal = None
    if isinstance(request.auth, Access):
        refusal = rate_limits.count(f"RATE_{kind}_PER_TOKEN", request.auth.key)
    address = request.META.get("REMOTE_ADDR")
    return refusal or rate_limits.count(
        f"RATE_{kind}_PER_ADDRESS", rate_limits.address_key(address)
    )
