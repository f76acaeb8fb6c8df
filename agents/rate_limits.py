"""Rate limits, counted in Redis or, without it, in each process."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger("agents.rate_limits")

# Seconds to wait for Redis, and then to leave it alone.
REDIS_TIMEOUT = 0.25
REDIS_PAUSE = 5.0
SECONDS_BETWEEN_SWEEPS = 1.0
OFF = ("", "off")
REDIS_SCHEMES = ("redis://", "rediss://")


class InvalidRate(ValueError):
    """Not a rate such as "300/second"."""


@dataclass(frozen=True)
class Refusal:
    """`wait`: seconds until a retry makes sense."""

    wait: float


class RateExceeded(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"try again in {refusal.wait:.0f} s")
        self.wait = refusal.wait


@cache
def parse_rate(text: str) -> RateLimitItem | None:
    """Return None for "off". Raise InvalidRate."""
    if text.strip().lower() in OFF:
        return None
    try:
        [rate] = parse_many(text)
    except ValueError as error:  # not a rate, or several
        raise InvalidRate(text) from error
    if rate.amount < 1:
        raise InvalidRate(text)
    return rate


def count(setting: str, key: str) -> Refusal | None:
    """Count a call; refuse it if it exceeds the rate in `setting`."""
    rate = parse_rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).hit(rate, setting, key)


def count_many(setting: str, key: str, calls: int) -> tuple[int, Refusal | None]:
    """Count calls of `key` together; return how many of them the rate admits, and the refusal."""
    rate = parse_rate(getattr(settings, setting))
    if rate is None or not calls:
        return calls, None
    counter = _counter(settings.RATE_STORE_URL)
    refusal = counter.hit(rate, setting, key, cost=calls)
    if refusal is None:
        return calls, None
    if calls == 1:
        return 0, refusal
    half = calls // 2
    admitted, refused = count_many(setting, key, half)
    if refused is None:
        more, refused = count_many(setting, key, calls - half)
        admitted += more
    return admitted, refused


def check(setting: str, key: str) -> Refusal | None:
    """Refuse a call that would exceed the rate in `setting`, without counting it."""
    rate = parse_rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).test(rate, setting, key)


class OwnStorage(MemoryStorage):
    """Starts its cleaning thread at most once a second.

    The library starts one with each call unless `timer.is_alive()`.
    """

    @property  # type: ignore[override]  # an attribute there
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
    """Counts in Redis, or in this process while Redis does not answer."""

    def __init__(self, url: str) -> None:
        self._own = SlidingWindowCounterRateLimiter(OwnStorage())
        self._shared = self._own
        self._paused_until = 0.0
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

    def hit(self, rate: RateLimitItem, *key: str, cost: int = 1) -> Refusal | None:
        """Count `cost` calls, or none of them if not all are within the rate."""
        return self._try("hit", rate, *key, cost=cost)

    def test(self, rate: RateLimitItem, *key: str) -> Refusal | None:
        return self._try("test", rate, *key)

    def _try(
        self, method: Literal["hit", "test"], rate: RateLimitItem, *key: str, cost: int = 1
    ) -> Refusal | None:
        limiter = self._limiter()
        try:
            if getattr(limiter, method)(rate, *key, cost=cost):
                return None
            until = limiter.get_window_stats(rate, *key).reset_time
        except StorageError as error:
            self._pause(error)
            return self._try(method, rate, *key, cost=cost)
        return Refusal(max(until - time.time(), 1.0))

    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        return self._own if time.monotonic() < self._paused_until else self._shared

    def _pause(self, error: StorageError) -> None:
        with self._lock:
            if time.monotonic() < self._paused_until:
                return
            self._paused_until = time.monotonic() + REDIS_PAUSE
        logger.warning("Redis does not answer, rates are counted in each process: %s", error)


class WindowCounter:
    """Counts in this process by fixed windows: cheap enough for each heartbeat.

    Each window forgets all keys, which bounds memory.
    """

    def __init__(self) -> None:
        self._window = 0
        self._calls: dict[int, int] = {}

    def count(self, text: str, key: int) -> Refusal | None:
        """Count a call; refuse it if it exceeds the rate `text`."""
        rate = parse_rate(text)
        if rate is None:
            return None
        expiry = rate.get_expiry()
        window = int(time.monotonic() // expiry)
        if window != self._window:
            self._window, self._calls = window, {}
        counts = self._calls
        counts[key] = calls = counts.get(key, 0) + 1
        if calls <= rate.amount:
            return None
        return Refusal(max((window + 1) * expiry - time.monotonic(), 1.0))


@cache
def _counter(url: str) -> Counter:
    return Counter(url)
