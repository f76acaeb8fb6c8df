"""The only rule of who may register an agent."""

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from rest_framework.exceptions import PermissionDenied

from agents.addresses import rate_key
from agents.rate_limits import RateExceeded, Refusal, WindowCounter, check, count_each
from agents.tokens import access as access_tokens
from agents.tokens import right_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.cache import Access
from agents.tokens.enrollment import Enrolment

PER_TOKEN = "RATE_REGISTER_PER_TOKEN"  # noqa: S105 - a setting's name
PER_ADDRESS = "RATE_REGISTER_PER_ADDRESS"
PER_AGENT = "RATE_REGISTER_PER_AGENT"
WRONG_TOKENS = "RATE_WRONG_TOKENS_PER_ADDRESS"
# Set in the WSGI environment if the rates have counted it.
IS_COUNTED = "agents.registration_is_counted"

_registrations = WindowCounter()


def enrolment_by(access: Access, agent_id: str) -> Enrolment:
    """Raise PermissionDenied."""
    if not agent_id.startswith(access.agent_prefix):
        raise PermissionDenied(
            f"This token may register ids that begin with {access.agent_prefix!r}."
        )
    return Enrolment(access.actor, access.key, access.max_agents, takes_over=is_open())


def count_agent(agent_id: str) -> None:
    """Limit the events of one id. Raise RateExceeded."""
    refusal = _registrations.count(getattr(settings, PER_AGENT), hash(agent_id))
    if refusal is not None:
        raise RateExceeded(refusal)


def recognise(token: str, address: str | None) -> Access | None:
    """Leave wrong tokens to Django, which counts them."""
    is_new = not right_tokens.was_right(token)
    if is_new and check(WRONG_TOKENS, rate_key(address)) is not None:
        return None
    try:
        access = access_tokens.authenticate(token, address)
    except access_tokens.InvalidToken:
        return None
    if is_new:
        right_tokens.remember(token)
    return access


def count_callers(callers: Iterable[tuple[str, str | None]]) -> list[Refusal | None]:
    """Each caller: token or "", address."""
    callers = list(callers)
    refusals: list[Refusal | None] = [None] * len(callers)
    _count(PER_TOKEN, [token for token, _ in callers], refusals)
    _count(PER_ADDRESS, [rate_key(address) for _, address in callers], refusals)
    return refusals


def _count(setting: str, keys: list[str], refusals: list[Refusal | None]) -> None:
    calls = Counter(
        key for key, refusal in zip(keys, refusals, strict=True) if key and refusal is None
    )
    counted = count_each(setting, calls)
    left = {key: admitted for key, (admitted, _) in counted.items()}
    for place, key in enumerate(keys):
        if key in left and refusals[place] is None:
            left[key] -= 1
            if left[key] < 0:
                refusals[place] = counted[key][1]
