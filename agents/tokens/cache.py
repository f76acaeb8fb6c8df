"""What this process knows of access tokens, so that few calls have to ask the database.

It is believed for `SECONDS`: so long a token that was revoked elsewhere is still good here.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Q

from agents.database.availability import UNAVAILABLE
from agents.database.clock import DatabaseNow
from agents.models import AccessToken

logger = logging.getLogger("agents.tokens")

SECONDS = 2.0
# What was revoked or has expired stays so.
SECONDS_OF_REFUSED = 60.0
# So long one that was good is believed while the database does not answer.
SECONDS_OF_OUTAGE = 3600.0
MOST_KEPT = 10_000
# The last use of a token is written down this often.
USE_SECONDS = 60.0
# A busy SQLite has no time for it at the first try.
SECONDS_AFTER_FAILURE = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Access:
    """What a good token allows. `agent_prefix`: what the ids begin with that it may register."""

    key: str
    may_register: bool
    may_read: bool
    agent_prefix: str
    max_agents: int | None

    @property
    def actor(self) -> str:
        return f"token:{self.key}"


@dataclass(frozen=True)
class KnownToken:
    digest: str
    state: AccessToken.State
    access: Access


class Memory(Generic[T]):
    """Values that are kept for a while each; when there are too many, all are forgotten."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: dict[str, tuple[float, T]] = {}

    def get(self, key: str) -> T | None:
        until, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: str, value: T, seconds: float) -> None:
        if len(self._kept) >= self._most and key not in self._kept:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + seconds, value)

    def forget(self, key: str | None = None) -> None:
        """Forget one key, or all of them."""
        if key is None:
            self._kept.clear()
        else:
            self._kept.pop(key, None)


_tokens = Memory[KnownToken]()
# Believed while the database does not answer, for what can be had without it.
_good_before = Memory[KnownToken]()
# Apart, so that a flood of made-up keys does not crowd out the tokens that are.
_no_tokens = Memory[bool]()
_used = Memory[bool]()


def find(key: str) -> KnownToken | None:
    """Return what is known of the token with this key; None when there is no such token."""
    known = _tokens.get(key)
    if known is not None or _no_tokens.get(key):
        return known
    try:
        token = AccessToken.objects.filter(key=key).annotate(read_at=DatabaseNow()).first()
    except UNAVAILABLE:
        known = _good_before.get(key)
        if known is None:
            raise
        return known
    if token is None:
        # Keys are random: it will not be that of the next token.
        _no_tokens.put(key, True, SECONDS)
        return None
    now: datetime = getattr(token, "read_at")  # noqa: B009 - mypy knows no annotations
    known, seconds = _judge(token, now)
    _tokens.put(key, known, seconds)
    if known.state == AccessToken.State.GOOD:
        left = (token.expires_at - now).total_seconds() if token.expires_at else SECONDS_OF_OUTAGE
        _good_before.put(key, known, min(left, SECONDS_OF_OUTAGE))
    else:
        _good_before.forget(key)
    return known


def forget(key: str | None = None) -> None:
    """Ask the database the next time, for one token or for all."""
    for memory in (_tokens, _no_tokens, _good_before, _used):
        memory.forget(key)


def note_use(token: KnownToken, address: str | None) -> None:
    """Write down that the token is in use, unless that was done within USE_SECONDS.

    What it is used for goes on, whatever becomes of this: it waits for nobody's lock.
    """
    key = token.access.key
    if _used.get(key):
        return
    _used.put(key, True, USE_SECONDS)
    try:
        with _no_waiting(), transaction.atomic():
            before = DatabaseNow() - timedelta(seconds=USE_SECONDS)
            unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
            free = AccessToken.objects.select_for_update(skip_locked=True).filter(unused, key=key)
            AccessToken.objects.filter(pk__in=free.values("pk")).update(
                last_used_at=DatabaseNow(), last_used_from=address
            )
    except UNAVAILABLE as error:
        _used.put(key, True, SECONDS_AFTER_FAILURE)
        logger.debug("the use of token %s is not written down: %s", key, error)


def _judge(token: AccessToken, now: datetime) -> tuple[KnownToken, float]:
    """Return what to know of a token, and for how many seconds."""
    state, seconds = token.state(now), SECONDS
    if state != AccessToken.State.GOOD:
        seconds = SECONDS_OF_REFUSED
    elif token.expires_at is not None:
        seconds = min(SECONDS, (token.expires_at - now).total_seconds())
    access = Access(
        key=token.key,
        may_register=token.may_register,
        may_read=token.may_read,
        agent_prefix=token.agent_prefix,
        max_agents=token.max_agents,
    )
    return KnownToken(token.digest, state, access), seconds


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Let SQLite give up at once where another process writes; PostgreSQL locks rows, not all."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        [milliseconds] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")
