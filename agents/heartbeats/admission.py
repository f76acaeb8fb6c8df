"""Who may renew a lease: the one rule for the fast path, the call for many, and the DRF action.

The DRF action calls the two parts of `admit` from its own hooks: `check_token` from authentication
and permission, `count` from its throttle.
"""

from django.conf import settings

from agents.rate_limits import RateExceeded, Refusal, WindowCounter
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.lease import LeaseTokenMissing

HEARTBEAT_RATE = "RATE_HEARTBEAT_PER_AGENT"

_heartbeats = WindowCounter()


def admit(agent_id: str, token: str | None) -> int | None:
    """Admit a heartbeat, and count it; return the generation that its token proves, if any.

    `token` is None if none was sent. Raise InvalidLeaseToken, of which LeaseTokenMissing is a
    kind, or RateExceeded.
    """
    generation = check_token(agent_id, token)
    refusal = count(agent_id, token)
    if refusal is not None:
        raise RateExceeded(refusal)
    return generation


def check_token(agent_id: str, token: str | None) -> int | None:
    """Return the generation that a lease token proves; None if none was sent and none is needed.

    A token that was sent has to be right, even in open mode. Raise InvalidLeaseToken.
    """
    if token is not None:
        return lease_tokens.verify(agent_id, token)
    if is_open():
        return None
    raise LeaseTokenMissing(agent_id)


def count(agent_id: str, token: str | None) -> Refusal | None:
    """Count a heartbeat; refuse it if it exceeds the rate.

    Each token has a count of its own, so that nobody can use up another agent's rate.
    """
    return _heartbeats.count(getattr(settings, HEARTBEAT_RATE), hash((agent_id, token)))
