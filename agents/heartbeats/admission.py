"""The one rule of who may renew a lease."""

from django.conf import settings

from agents.rate_limits import RateExceeded, Refusal, WindowCounter
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.lease import LeaseTokenMissing

_heartbeats = WindowCounter()


def admit(agent_id: str, token: str | None) -> int | None:
    """Return the token's generation. Raise InvalidLeaseToken or RateExceeded."""
    generation = check_token(agent_id, token)
    refusal = count(agent_id, token)
    if refusal is not None:
        raise RateExceeded(refusal)
    return generation


def check_token(agent_id: str, token: str | None) -> int | None:
    """As `admit`, without counting. Only open mode needs no token."""
    if token is not None:
        return lease_tokens.verify(agent_id, token)
    if is_open():
        return None
    raise LeaseTokenMissing(agent_id)


def count(agent_id: str, token: str | None) -> Refusal | None:
    """By token too, so that nobody can use up others' rates."""
    return _heartbeats.count(settings.RATE_HEARTBEAT_PER_AGENT, hash((agent_id, token)))
