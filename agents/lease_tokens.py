"""Lease tokens: what an agent shows to prove which registration it comes from.

A token is ``GENERATION.SIGNATURE``, bound to the agent's id, and checked without the database.
Keys are SECRET_KEY and, to verify, SECRET_KEY_FALLBACKS.
"""

import re

from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

HEADER = "Lease-Token"
SALT = "agents.lease"
GENERATION = re.compile(r"[0-9]{1,19}")
HIGHEST_GENERATION = 2**63 - 1


class InvalidLeaseToken(Exception):
    """The token was not issued by this registry for this agent."""


def issue(agent_id: str, generation: int) -> str:
    """Return the token of one registration of an agent."""
    return f"{generation}.{_signature(agent_id, str(generation), settings.SECRET_KEY)}"


def verify(agent_id: str, token: str) -> int:
    """Return the generation that `token` proves. Raise InvalidLeaseToken."""
    generation, _, shown = token.partition(".")
    if not GENERATION.fullmatch(generation) or int(generation) > HIGHEST_GENERATION:
        raise InvalidLeaseToken(agent_id)
    # Ids may have colons, and so could signatures that are taken apart by them: compared is the
    # signature as a whole, with the one that we would give.
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(shown, _signature(agent_id, generation, key)):
            return int(generation)
    raise InvalidLeaseToken(agent_id)


def _signature(agent_id: str, generation: str, key: str) -> str:
    return Signer(key=key, salt=SALT).signature(f"{agent_id}:{generation}")
