import email.utils
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SHORTEST_INTERVAL_SECONDS = 0.05
LONGEST_RETRY_AFTER_SECONDS = 300.0


@dataclass(frozen=True)
class Pacing:
    """Pauses after failures, doubled from the first to the longest.

    `refused_seconds`: if an agent that never had a lease is refused.
    """

    first_seconds: float = 5.0
    longest_seconds: float = 15.0
    refused_seconds: float = 60.0

    def after_failure(
        self, failures: int, interval: float, retry_after: float | None = None
    ) -> float:
        """Return seconds: at most `interval`, to keep the lease, but at least `retry_after`."""
        doubled = self.first_seconds * 2.0 ** min(failures - 1, 10)
        pause = min(doubled, self.longest_seconds, interval) * _random(0.5, 1.0)
        if retry_after is not None:
            pause = max(pause, _spread(retry_after))
        return pause

    def after_refusal(self) -> float:
        return self.refused_seconds * _random(0.8, 1.2)


class Schedule:
    def __init__(
        self, interval: float, ttl_seconds: int, pacing: Pacing, *, keep: bool = False
    ) -> None:
        """An interval above half the TTL becomes a third of it. `keep` ignores the registry's."""
        self._keep = keep
        self._ttl_seconds = ttl_seconds
        self._pacing = pacing
        self.interval = self._bounded(interval)
        self.failures = 0
        self.all_failures = 0
        self.renewed_at: float | None = None
        self._due = 0.0

    def seconds_left(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def follow(self, interval: Any) -> None:
        if not self._keep and isinstance(interval, int | float) and 0 < interval < math.inf:
            self.interval = self._bounded(interval)

    def registered(self, started: float) -> None:
        self._succeeded()
        self._due = started + self.interval

    def renewed(self) -> None:
        self._succeeded()
        now = time.monotonic()
        self._due = next_beat(min(self._due, now), self.interval, now)

    def failed(self, retry_after: float | None = None) -> float:
        self.failures += 1
        self.all_failures += 1
        pause = self._pacing.after_failure(self.failures, self.interval, retry_after)
        self._due = time.monotonic() + pause
        return pause

    def refused(self, *, soon: bool) -> None:
        """`soon`: try again before the lease expires."""
        pause = self._pacing.after_refusal()
        self._due = time.monotonic() + (min(pause, self.interval) if soon else pause)

    def _succeeded(self) -> None:
        self.failures = 0
        self.renewed_at = time.time()

    def _bounded(self, interval: float) -> float:
        if interval > self._ttl_seconds / 2:
            interval = self._ttl_seconds / 3
        return max(interval, SHORTEST_INTERVAL_SECONDS)


def next_beat(due: float, interval: float, now: float) -> float:
    missed = max(0, math.floor((now - due) / interval))
    return due + (missed + 1) * interval


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return seconds. A date is compared with the registry's clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    then = _date(text)
    if then is None:
        return None
    start = _date(headers.get("date", "")) or now or datetime.now(UTC)
    return max(0.0, (then - start).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _spread(retry_after: float) -> float:
    longest = LONGEST_RETRY_AFTER_SECONDS
    if retry_after > longest:
        return _random(longest / 1.2, longest)
    return _random(retry_after, min(retry_after * 1.2, longest))


def _random(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads a fleet
