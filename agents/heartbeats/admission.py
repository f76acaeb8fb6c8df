"""The only rule of who may renew a lease."""

from collections.abc import Callable

from django.conf import settings

from agents.rate_limits import RateExceeded, Refusal, WindowCounter
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.lease import LeaseTokenMissing

_heartbeats = WindowCounter()


def admit(agent_id: str, token: str | None) -> int | None:
    """Return the token's generation. Raise InvalidLeaseToken or RateExceeded."""
    return admitter()(agent_id, token)


def admitter() -> Callable[[str, str | None], int | None]:
    """Return `admit` for the calls of one moment, for which settings are read once."""
    verify = lease_tokens.verifier()
    count = _heartbeats.counter(settings.RATE_HEARTBEAT_PER_AGENT)

    def admit(agent_id: str, token: str | None) -> int | None:
        generation = check_token(agent_id, token) if token is None else verify(agent_id, token)
        refusal = count(_key(agent_id, token))
        if refusal is not None:
            raise RateExceeded(refusal)
        return generation

    return admit


def check_token(agent_id: str, token: str | None) -> int | None:
    """As `admit`, without counting. Only open mode needs no token."""
    if token is not None:
        return lease_tokens.verify(agent_id, token)
    if is_open():
        return None
    raise LeaseTokenMissing(agent_id)


def count(agent_id: str, token: str | None) -> Refusal | None:
    return _heartbeats.count(settings.RATE_HEARTBEAT_PER_AGENT, _key(agent_id, token))


def _key(agent_id: str, token: str | None) -> int:
    """By token too, so that nobody can use up others' rates."""
    return hash((agent_id, token))
