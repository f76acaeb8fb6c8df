"""Access tokens: what people and programs show to register agents, or to read about them.

The only writer of `AccessToken`. A token is ``art_KEY_SECRET``; the registry keeps the key, and a
hash of the secret. Nobody chooses the secret, so a quick hash is enough: there is nothing to guess
it by.
"""

import hashlib
import re
import secrets
import string
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare

from agents import agent_ids
from agents.database.clock import DatabaseNow
from agents.history.record import Kind, record_event
from agents.models import (
    MAX_TOKEN_NAME_LENGTH,
    TOKEN_KEY_LENGTH,
    AccessToken,
)
from agents.tokens import cache as token_cache
from agents.tokens.cache import Access

PREFIX = "art_"
SECRET_LENGTH = 43  # of 62 characters: 256 bits
KEY_CHARACTERS = string.ascii_lowercase + string.digits
SECRET_CHARACTERS = string.ascii_letters + string.digits
TOKEN = re.compile(
    rf"{PREFIX}([{KEY_CHARACTERS}]{{{TOKEN_KEY_LENGTH}}})_([A-Za-z0-9]{{{SECRET_LENGTH}}})"
)
AGENT_PREFIX = re.compile(agent_ids.PREFIX_PATTERN)
MOST_AGENTS = 1_000_000_000
GOOD_FOR_NOTHING = "A token may register, read, or both."
LONGEST = timedelta(days=36_500)


class UnknownToken(Exception):
    """There is no token with this key."""


class BadTerms(ValueError):
    """There can be no such token; `field` is the argument of `issue` that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidToken(Exception):
    """The token is good for nothing. The message says why: for the log, not for the caller.

    `key` is that of the token whose it is, or claims to be; empty when there is no such token.
    """

    def __init__(self, reason: str, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


def check_terms(
    *,
    name: str,
    may_register: bool,
    may_read: bool,
    agent_prefix: str,
    max_agents: int | None,
    lifetime: timedelta | None,
) -> None:
    """Raise BadTerms for a token that `issue` would not make."""
    if not (name and name.isprintable() and len(name) <= MAX_TOKEN_NAME_LENGTH):
        raise BadTerms("name", f"A name has 1 to {MAX_TOKEN_NAME_LENGTH} characters, in one line.")
    if not (may_register or may_read):
        raise BadTerms("may_register", GOOD_FOR_NOTHING)
    if not may_register and (agent_prefix or max_agents is not None):
        field = "agent_prefix" if agent_prefix else "max_agents"
        raise BadTerms(field, "This is for tokens that may register.")
    if not AGENT_PREFIX.fullmatch(agent_prefix):
        raise BadTerms("agent_prefix", "Ids are made of A-Z, a-z, 0-9, '.', '_', ':', '-'.")
    if max_agents is not None and not 1 <= max_agents <= MOST_AGENTS:
        raise BadTerms("max_agents", f"It must be 1 to {MOST_AGENTS:,}.")
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST:
        raise BadTerms("lifetime", f"It must be 1 to {LONGEST.days:,} days.")


def issue(
    *,
    name: str,
    actor: str,
    may_register: bool = True,
    may_read: bool = False,
    agent_prefix: str = "",
    max_agents: int | None = None,
    lifetime: timedelta | None = None,
) -> tuple[AccessToken, str]:
    """Make a token; return its record, and its text, which cannot be had again.

    It expires after `lifetime`, or never. `agent_prefix` is what the ids begin with that it may
    register. Raise BadTerms.
    """
    terms: dict[str, Any] = {
        "name": name,
        "may_register": may_register,
        "may_read": may_read,
        "agent_prefix": agent_prefix,
        "max_agents": max_agents,
    }
    check_terms(**terms, lifetime=lifetime)
    secret = _random(SECRET_CHARACTERS, SECRET_LENGTH)
    token = AccessToken(
        **terms,
        digest=_digest(secret),
        created_at=DatabaseNow(),
        created_by=actor,
        expires_at=None if lifetime is None else DatabaseNow() + lifetime,
    )
    with transaction.atomic():
        while not _insert_with_key(token):
            pass
        _record(Kind.TOKEN_ISSUED, token, actor)
    token.refresh_from_db()
    return token, f"{PREFIX}{token.key}_{secret}"


def revoke(*, key: str, actor: str) -> bool:
    """Let a token be good for nothing from now on; return whether it was not so before.

    Other processes know of it within seconds: `token_cache.SECONDS`. Raise UnknownToken.
    """
    if not key.isalnum():  # nor can every database be asked for all that people type
        raise UnknownToken(key)
    with transaction.atomic():
        token = AccessToken.objects.select_for_update().filter(key=key).first()
        if token is None:
            raise UnknownToken(key)
        if token.revoked_at is not None:
            return False
        AccessToken.objects.filter(pk=token.pk).update(revoked_at=DatabaseNow(), revoked_by=actor)
        _record(Kind.TOKEN_REVOKED, token, actor)
        transaction.on_commit(lambda: token_cache.forget(key))
    return True


def authenticate(text: str, address: str | None = None) -> Access:
    """Return what the token allows that a caller at `address` shows. Raise InvalidToken."""
    form = TOKEN.fullmatch(text)
    if form is None:
        raise InvalidToken("it has not the form of a token")
    key, secret = form.groups()
    token = token_cache.find(key)
    if token is None:
        raise InvalidToken(f"there is no token {key}")
    if not constant_time_compare(_digest(secret), token.digest):
        raise InvalidToken(f"the secret of token {key} is another", key)
    if token.state != AccessToken.State.GOOD:
        raise InvalidToken(f"token {key} is {token.state}", key)
    token_cache.note_use(token, address)
    return token.access


def _insert_with_key(token: AccessToken) -> bool:
    """Give a new token its key; return False when another token has that one."""
    token.key = _random(KEY_CHARACTERS, TOKEN_KEY_LENGTH)
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError:
        if AccessToken.objects.filter(key=token.key).exists():
            return False
        raise
    return True


def _record(kind: Kind, token: AccessToken, actor: str) -> None:
    reason = f"token {token.key} {token.name!r}"
    record_event(kind, actor=actor, reason=reason)


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
