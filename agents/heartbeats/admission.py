"""Who may renew a lease: the one rule for the fast path, the call for many, and the DRF action.

DRF's hooks call its parts: authentication and permission `check_token`, the throttle `count`.
"""

from django.conf import settings

from agents.rate_limits import RateExceeded, Refusal, WindowCounter
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.lease import LeaseTokenMissing

HEARTBEAT_RATE = "RATE_HEARTBEAT_PER_AGENT"

_heartbeats = WindowCounter()


def admit(agent_id: str, token: str | None) -> int | None:
    """Check a heartbeat's token, and count it; return the generation, as `check_token` does.

    Raise InvalidLeaseToken or RateExceeded.
    """
    generation = check_token(agent_id, token)
    refusal = count(agent_id, token)
    if refusal is not None:
        raise RateExceeded(refusal)
    return generation


def check_token(agent_id: str, token: str | None) -> int | None:
    """Return the generation that a token proves; None if none was sent, in open mode.

    A token that was sent has to be right, even in open mode. Raise InvalidLeaseToken, or
    LeaseTokenMissing, which is one.
    """
    if token is not None:
        return lease_tokens.verify(agent_id, token)
    if is_open():
        return None
    raise LeaseTokenMissing(agent_id)


def count(agent_id: str, token: str | None) -> Refusal | None:
    """Count a heartbeat, for each token apart: nobody can use up another agent's rate."""
    return _heartbeats.count(getattr(settings, HEARTBEAT_RATE), hash((agent_id, token)))
