"""Lease tokens: what an agent shows to prove which registration it comes from.

A token is ``GENERATION.SIGNATURE``, bound to the agent's id, and checked without the database.
Keys are SECRET_KEY and, to verify, SECRET_KEY_FALLBACKS.
"""

import re

from django.core.signing import BadSignature, Signer

SALT = "agents.lease"
GENERATION = re.compile(r"[0-9]{1,19}")


class InvalidLeaseToken(Exception):
    """The token was not issued by this registry for this agent."""


def issue(agent_id: str, generation: int) -> str:
    """Return the token of one registration of an agent."""
    signature = Signer(salt=SALT).signature(f"{agent_id}:{generation}")
    return f"{generation}.{signature}"


def verify(agent_id: str, token: str) -> int:
    """Return the generation that `token` proves. Raise InvalidLeaseToken."""
    generation, _, signature = token.partition(".")
    if not GENERATION.fullmatch(generation):
        # What is signed for the agent "a:b" is also signed for "a", with a generation of "b:...".
        raise InvalidLeaseToken(agent_id)
    try:
        Signer(salt=SALT).unsign(f"{agent_id}:{generation}:{signature}")
    except BadSignature as error:
        raise InvalidLeaseToken(agent_id) from error
    return int(generation)
