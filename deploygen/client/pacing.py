"""When the next call is due: the beat of the heartbeats, and the pauses after failures."""

import email.utils
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# A registry that asks for more patience than this is not taken at its word.
LONGEST_RETRY_AFTER_SECONDS = 300.0


@dataclass(frozen=True)
class Pacing:
    """Seconds between calls that fail.

    A registry that is away is asked again after `first_seconds`, then after twice as long and so
    on, at most `longest_seconds`: little is missed once it is back. One that refuses us needs a
    person, and is asked every `refused_seconds`.
    """

    first_seconds: float = 5.0
    longest_seconds: float = 15.0
    refused_seconds: float = 60.0

    def after_failure(
        self, failures: int, interval: float, retry_after: float | None = None
    ) -> float:
        """Return the pause after that many failures in a row.

        It is never longer than `interval`, the seconds between two heartbeats, so that a lease
        that is held does not end for our waiting; but what the registry asks for by
        `retry_after` is the least.
        """
        doubled = self.first_seconds * 2.0 ** min(failures - 1, 10)
        pause = min(doubled, self.longest_seconds, interval) * _from(0.5, 1.0)
        if retry_after is not None:
            pause = max(pause, min(retry_after, LONGEST_RETRY_AFTER_SECONDS) * _from(1.0, 1.2))
        return pause

    def after_refusal(self) -> float:
        return self.refused_seconds * _from(0.8, 1.2)


def next_beat(due: float, interval: float, now: float) -> float:
    """Return when the beat after the one of `due` is, later than `now`.

    Beats keep their distance however long a call takes; those that were missed are left out.
    """
    missed = max(0, math.floor((now - due) / interval))
    return due + (missed + 1) * interval


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read the seconds of a Retry-After header, given as such or as a date; None without one.

    A date is measured by the registry's own clock, its Date header, where it has one.
    """
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


def _from(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads a fleet, protects nothing
