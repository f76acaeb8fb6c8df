"""Rates: how often somebody may do something, counted by the library `limits`.

Counts are shared by all processes where there is a Redis, and are each process's own elsewhere. A
Redis that is away costs nobody an error: meanwhile each process counts for itself.
"""

import ipaddress
import logging
import threading
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger("agents.rate_limits")

# Seconds for an answer of Redis, and for which it is not asked after there was none.
REDIS_TIMEOUT = 0.25
REDIS_REST = 5.0
# For so long this process keeps counts that are over.
SECONDS_BETWEEN_SWEEPS = 1.0
# Whoever has an IPv6 address has commonly all of a network of this size.
IPV6_NETWORK_BITS = 64
OFF = ("", "off")
# How many addresses are remembered as they were read.
MOST_ADDRESSES = 4_096
REDIS_SCHEMES = ("redis://", "rediss://")


class InvalidRate(ValueError):
    """The text is no rate such as "300/second"."""


@dataclass(frozen=True)
class Refusal:
    """`wait`: seconds until it is worth another try."""

    wait: float


def parse_rate(text: str) -> RateLimitItem | None:
    """Return the rate that `text` says; None for "off". Raise InvalidRate."""
    if text.strip().lower() in OFF:
        return None
    try:
        [rate] = parse_many(text)
    except ValueError as error:  # none, or several, of which but one would be kept
        raise InvalidRate(text) from error
    if rate.amount < 1:
        raise InvalidRate(text)
    return rate


def count(setting: str, key: str) -> Refusal | None:
    """Count one call of `key` against the rate that `setting` names; refuse it beyond that."""
    rate = _rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).hit(rate, setting, key)


def look(setting: str, key: str) -> Refusal | None:
    """Refuse `key` if it has used up its rate, and count nothing."""
    rate = _rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).test(rate, setting, key)


@lru_cache(MOST_ADDRESSES)
def address_key(address: str | None) -> str:
    """Return by what an address is counted: itself, or its network in IPv6."""
    try:
        return str(ipaddress.IPv6Interface(f"{address}/{IPV6_NETWORK_BITS}").network)
    except ValueError:  # of IPv4; or a Unix socket, which has no address
        return address or "local"


class OwnStorage(MemoryStorage):
    """The library's, which forgets what is over in a thread: started once a second, not each call.

    Whether the thread is still at work, it asks `timer`.
    """

    @property  # type: ignore[override]  # an attribute, there
    def timer(self) -> "_Sweep":
        return self._sweep

    @timer.setter
    def timer(self, thread: threading.Timer) -> None:
        self._sweep = _Sweep(thread)


class _Sweep:
    def __init__(self, thread: threading.Timer) -> None:
        self.thread = thread
        self.start = thread.start
        self._until = time.monotonic() + SECONDS_BETWEEN_SWEEPS

    def is_alive(self) -> bool:
        return time.monotonic() < self._until


class Counter:
    """Counts in Redis, or where there is none, or none that answers, in this process."""

    def __init__(self, url: str) -> None:
        self._own = SlidingWindowCounterRateLimiter(OwnStorage())
        self._shared = self._own
        self._rests_until = 0.0
        self._lock = threading.Lock()
        if url.startswith(REDIS_SCHEMES):
            options: dict[str, Any] = {
                "socket_timeout": REDIS_TIMEOUT,
                "socket_connect_timeout": REDIS_TIMEOUT,
                "retry": Retry(NoBackoff(), 0),
            }
            storage = RedisStorage(
                url, wrap_exceptions=True, key_prefix="registry-rates", **options
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    def hit(self, rate: RateLimitItem, *key: str) -> Refusal | None:
        """Count one call, and refuse it beyond the rate."""
        return self._ask("hit", rate, *key)

    def test(self, rate: RateLimitItem, *key: str) -> Refusal | None:
        """Refuse one more call beyond the rate, and count none."""
        return self._ask("test", rate, *key)

    def _ask(
        self, method: Literal["hit", "test"], rate: RateLimitItem, *key: str
    ) -> Refusal | None:
        limiter = self._limiter()
        try:
            if getattr(limiter, method)(rate, *key):
                return None
            until = limiter.get_window_stats(rate, *key).reset_time
        except StorageError as error:
            self._rest(error)
            return self._ask(method, rate, *key)
        return Refusal(max(until - time.time(), 1.0))

    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        return self._own if time.monotonic() < self._rests_until else self._shared

    def _rest(self, error: StorageError) -> None:
        with self._lock:
            if time.monotonic() < self._rests_until:
                return
            self._rests_until = time.monotonic() + REDIS_REST
        logger.warning("Redis does not answer, rates are counted in each process: %s", error)


class Pulse:
    """Counts very many keys in this process for next to nothing, within fixed windows of time.

    What it keeps is forgotten with each window, as a whole; so nobody can fill it with keys.
    """

    def __init__(self) -> None:
        self._window = 0
        self._seen: dict[int, int] = {}

    def count(self, text: str, key: int) -> Refusal | None:
        """Count one call of `key`; refuse it beyond the rate that `text` says."""
        rate = _rate(text)
        if rate is None:
            return None
        expiry = rate.get_expiry()
        window = int(time.monotonic() // expiry)
        if window != self._window:
            self._window, self._seen = window, {}
        seen = self._seen
        seen[key] = times = seen.get(key, 0) + 1
        if times <= rate.amount:
            return None
        return Refusal(max((window + 1) * expiry - time.monotonic(), 1.0))


@cache
def _rate(text: str) -> RateLimitItem | None:
    return parse_rate(text)


@cache
def _counter(url: str) -> Counter:
    return Counter(url)
