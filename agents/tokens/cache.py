"""Access tokens that this process has seen. Revoked ones stay good for up to `SECONDS`."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from agents import actors
from agents.database.availability import UNAVAILABLE
from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.models import AccessToken
from agents.querysets import read_at
from agents.tokens.expiring_cache import ExpiringCache

logger = logging.getLogger("agents.tokens")

SECONDS = 2.0
SECONDS_OF_REFUSED = 60.0
# While the database does not answer.
SECONDS_OF_OUTAGE = 3600.0
# Between two records of a use, and after a failure.
USE_SECONDS = 60.0
SECONDS_AFTER_FAILURE = 1.0


@dataclass(frozen=True)
class Access:
    key: str
    may_register: bool
    may_read: bool
    may_operate: bool
    agent_prefix: str
    max_agents: int | None

    @property
    def actor(self) -> str:
        return actors.token(self.key)


@dataclass(frozen=True)
class KnownToken:
    digest: str
    state: AccessToken.State
    access: Access


_tokens = ExpiringCache[KnownToken]()
_good_tokens = ExpiringCache[KnownToken]()
# A flood of made-up keys must evict no tokens.
_unknown_keys = ExpiringCache[bool]()
_used = ExpiringCache[bool]()


def find(key: str) -> KnownToken | None:
    known = _tokens.get(key)
    if known is not None or _unknown_keys.get(key):
        return known
    try:
        token = AccessToken.objects.filter(key=key).annotate(read_at=DatabaseNow()).first()
    except UNAVAILABLE:
        known = _good_tokens.get(key)
        if known is None:
            raise
        return known
    if token is None:
        # No later token will have this random key.
        _unknown_keys.put(key, True, SECONDS)
        return None
    now = read_at(token)
    known, seconds = _judge(token, now)
    _tokens.put(key, known, seconds)
    if known.state == AccessToken.State.GOOD:
        left = (token.expires_at - now).total_seconds() if token.expires_at else SECONDS_OF_OUTAGE
        _good_tokens.put(key, known, min(left, SECONDS_OF_OUTAGE))
    else:
        _good_tokens.forget(key)
    return known


def forget(key: str | None = None) -> None:
    for cache in (_tokens, _unknown_keys, _good_tokens, _used):
        cache.forget(key)


def record_use(token: KnownToken, address: str | None) -> None:
    """Do not wait for locks."""
    key = token.access.key
    if _used.get(key):
        return
    _used.put(key, True, USE_SECONDS)
    try:
        with dialect.without_waiting_for_writers(), transaction.atomic():
            before = DatabaseNow() - timedelta(seconds=USE_SECONDS)
            unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
            free = AccessToken.objects.select_for_update(skip_locked=True).filter(unused, key=key)
            AccessToken.objects.filter(pk__in=free.values("pk")).update(
                last_used_at=DatabaseNow(), last_used_from=address
            )
    except UNAVAILABLE as error:
        _used.put(key, True, SECONDS_AFTER_FAILURE)
        logger.debug("the use of token %s is not recorded: %s", key, error)


def _judge(token: AccessToken, now: datetime) -> tuple[KnownToken, float]:
    state, seconds = token.state(now), SECONDS
    if state != AccessToken.State.GOOD:
        seconds = SECONDS_OF_REFUSED
    elif token.expires_at is not None:
        seconds = min(SECONDS, (token.expires_at - now).total_seconds())
    access = Access(
        key=token.key,
        may_register=token.may_register,
        may_read=token.may_read,
        may_operate=token.may_operate,
        agent_prefix=token.agent_prefix,
        max_agents=token.max_agents,
    )
    return KnownToken(token.digest, state, access), seconds
