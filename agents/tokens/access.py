"""Access tokens, ``art_KEY_SECRET``. Only this package writes `AccessToken`.

Only a hash of the secret is stored: a fast one is enough for 256 random bits.
"""

import hashlib
import re
import secrets
import string
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare

from agents.database.clock import DatabaseNow
from agents.history.record import Kind, record_event
from agents.models import MAX_REASON_LENGTH, TOKEN_KEY_LENGTH, AccessToken
from agents.tokens import cache as token_cache
from agents.tokens.cache import Access
from agents.tokens.terms import check_terms

PREFIX = "art_"
REASON = ": {}"
SECRET_LENGTH = 43  # of 62 characters: 256 bits
KEY_CHARACTERS = string.ascii_lowercase + string.digits
SECRET_CHARACTERS = string.ascii_letters + string.digits
TOKEN = re.compile(
    rf"{PREFIX}([{KEY_CHARACTERS}]{{{TOKEN_KEY_LENGTH}}})_([A-Za-z0-9]{{{SECRET_LENGTH}}})"
)


class UnknownToken(Exception):
    pass


class InvalidToken(Exception):
    """The message is not for the caller. `key`: "" if no token has it."""

    def __init__(self, reason: str, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


def issue(
    *,
    name: str,
    actor: str,
    may_register: bool = True,
    may_read: bool = False,
    may_operate: bool = False,
    agent_prefix: str = "",
    max_agents: int | None = None,
    lifetime: timedelta | None = None,
    replaces: AccessToken | None = None,
) -> tuple[AccessToken, str]:
    """Return the record and the text, which is not stored. Raise BadTerms.

    `replaces`: a token of its family.
    """
    terms: dict[str, Any] = {
        "name": name,
        "may_register": may_register,
        "may_read": may_read,
        "may_operate": may_operate,
        "agent_prefix": agent_prefix,
        "max_agents": max_agents,
    }
    check_terms(**terms, lifetime=lifetime)
    secret = _random(SECRET_CHARACTERS, SECRET_LENGTH)
    token = AccessToken(
        **terms,
        family=replaces.family if replaces else "",
        digest=digest_of(secret),
        created_at=DatabaseNow(),
        created_by=actor,
        expires_at=None if lifetime is None else DatabaseNow() + lifetime,
    )
    with transaction.atomic():
        while not _insert_with_key(token):
            pass
        _record(Kind.TOKEN_ISSUED, token, actor, f", replaces {replaces.key}" if replaces else "")
    token.refresh_from_db()
    return token, f"{PREFIX}{token.key}_{secret}"


def revoke(*, key: str, actor: str, reason: str = "") -> bool:
    """Return False if it was revoked before. Raise UnknownToken.

    Other processes notice within `token_cache.SECONDS`.
    """
    if not key.isalnum():  # PostgreSQL refuses NUL
        raise UnknownToken(key)
    with transaction.atomic():
        token = AccessToken.objects.select_for_update().filter(key=key).first()
        if token is None:
            raise UnknownToken(key)
        if token.revoked_at is not None:
            return False
        AccessToken.objects.filter(pk=token.pk).update(revoked_at=DatabaseNow(), revoked_by=actor)
        _record(Kind.TOKEN_REVOKED, token, actor, REASON.format(reason) if reason else "")
        transaction.on_commit(lambda: token_cache.forget(key))
    return True


def authenticate(text: str, address: str | None = None) -> Access:
    """Record a use. Raise InvalidToken."""
    parts = TOKEN.fullmatch(text)
    if parts is None:
        raise InvalidToken("it does not look like a token")
    key, secret = parts.groups()
    token = token_cache.find(key)
    if token is None:
        raise InvalidToken(f"there is no token {key}")
    if not constant_time_compare(digest_of(secret), token.digest):
        raise InvalidToken(f"the secret of token {key} is wrong", key)
    if token.state != AccessToken.State.GOOD:
        raise InvalidToken(f"token {key} is {token.state}", key)
    token_cache.record_use(token, address)
    return token.access


def key_in(text: str) -> str:
    """Return the key of a whole token; what is none unchanged."""
    whole_token = TOKEN.fullmatch(text)
    return whole_token.group(1) if whole_token else text


def _insert_with_key(token: AccessToken) -> bool:
    token.key = _random(KEY_CHARACTERS, TOKEN_KEY_LENGTH)
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError:
        if AccessToken.objects.filter(key=token.key).exists():
            return False
        raise
    return True


def longest_reason(token: AccessToken) -> int:
    """Return how long the reason to revoke a token may be."""
    return MAX_REASON_LENGTH - len(_described(token)) - len(REASON.format(""))


def _record(kind: Kind, token: AccessToken, actor: str, more: str = "") -> None:
    record_event(kind, actor=actor, reason=(_described(token) + more)[:MAX_REASON_LENGTH])


def _described(token: AccessToken) -> str:
    return f"token {token.key} {token.name!r}"


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
