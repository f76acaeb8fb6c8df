import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.strategies import SlidingWindowCounterRateLimiter

from agents.rate_storages import OwnStorage, SharedStorage

logger = logging.getLogger("agents.rate_limits")

REDIS_TIMEOUT_SECONDS = 0.25
REDIS_PAUSE_SECONDS = 5.0
OFF = ("", "off")
REDIS_SCHEMES = ("redis://", "rediss://")


class InvalidRate(ValueError):
    pass


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
    except ValueError as error:
        raise InvalidRate(text) from error
    if rate.amount < 1:
        raise InvalidRate(text)
    return rate


def count(setting: str, key: str) -> Refusal | None:
    rate = parse_rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).hit(rate, setting, key)


def count_each(setting: str, calls: Mapping[str, int]) -> dict[str, tuple[int, Refusal | None]]:
    """Return by key how many calls are admitted, and why the others are not.

    Usually one round trip to Redis.
    """
    rate = parse_rate(getattr(settings, setting))
    if rate is None:
        return {key: (number, None) for key, number in calls.items()}
    admitted = _counter(settings.RATE_STORE_URL).hit_each(rate, setting, calls)
    return {
        key: (number, None) if key in admitted else _count_some(rate, setting, key, number)
        for key, number in calls.items()
    }


def _count_some(
    rate: RateLimitItem, setting: str, key: str, calls: int
) -> tuple[int, Refusal | None]:
    refusal = _counter(settings.RATE_STORE_URL).hit(rate, setting, key, cost=calls)
    if refusal is None:
        return calls, None
    if calls == 1:
        return 0, refusal
    half = calls // 2
    admitted, refused = _count_some(rate, setting, key, half)
    if refused is None:
        more, refused = _count_some(rate, setting, key, calls - half)
        admitted += more
    return admitted, refused


def check(setting: str, key: str) -> Refusal | None:
    """As `count`, without counting."""
    rate = parse_rate(getattr(settings, setting))
    return None if rate is None else _counter(settings.RATE_STORE_URL).test(rate, setting, key)


class Counter:
    def __init__(self, url: str) -> None:
        self._own = SlidingWindowCounterRateLimiter(OwnStorage())
        self._shared = self._own
        self._paused_until = 0.0
        self._lock = threading.Lock()
        if url.startswith(REDIS_SCHEMES):
            # On one machine, without Redis, it would be a tenth of the start. Waits for another
            # thread that is importing it, as an import of one of its modules would not.
            import redis  # noqa: PLC0415

            options: dict[str, Any] = {
                "socket_timeout": REDIS_TIMEOUT_SECONDS,
                "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            }
            self._redis = SharedStorage(
                url, wrap_exceptions=True, key_prefix="registry-rates", **options
            )
            self._shared = SlidingWindowCounterRateLimiter(self._redis)

    def hit(self, rate: RateLimitItem, *key: str, cost: int = 1) -> Refusal | None:
        """Count all `cost` calls or none."""
        return self._try("hit", rate, *key, cost=cost)

    def hit_each(self, rate: RateLimitItem, name: str, calls: Mapping[str, int]) -> set[str]:
        if self._limiter() is self._own:
            return {key for key, cost in calls.items() if self._own.hit(rate, name, key, cost=cost)}
        costs = {rate.key_for(name, key): cost for key, cost in calls.items()}
        try:
            acquired = self._redis.acquire_each(rate, costs)
        except StorageError as error:
            self._pause(error)
            return self.hit_each(rate, name, calls)
        return {key for key, is_counted in zip(calls, acquired, strict=True) if is_counted}

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
            self._paused_until = time.monotonic() + REDIS_PAUSE_SECONDS
        logger.warning("Redis does not answer, rates are counted in each process: %s", error)


class WindowCounter:
    """Counts in this process by fixed windows: cheap enough for heartbeats.

    Each window forgets all keys, which bounds memory.
    """

    def __init__(self) -> None:
        self._window = 0
        self._calls: dict[int, int] = {}

    def count(self, text: str, key: int) -> Refusal | None:
        return self.counter(text)(key)

    def counter(self, text: str) -> Callable[[int], Refusal | None]:
        """Return `count` for the keys of one moment."""
        rate = parse_rate(text)
        if rate is None:
            return lambda _key: None
        most, expiry = rate.amount, rate.get_expiry()
        window = int(time.monotonic() // expiry)
        if window != self._window:
            self._window, self._calls = window, {}
        counts = self._calls

        def count(key: int) -> Refusal | None:
            counts[key] = calls = counts.get(key, 0) + 1
            if calls <= most:
                return None
            return Refusal(max((window + 1) * expiry - time.monotonic(), 1.0))

        return count


@cache
def _counter(url: str) -> Counter:
    return Counter(url)
