import time
from collections.abc import Callable

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
MOST_CALLERS = 10_000
# Sums of fractions are inexact.
TOLERANCE = 1e-6


class Rates:
    """The generic cell rate algorithm. For one event loop."""

    def __init__(self, rate: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`rate`: "N/second", "N/minute" or "N/hour", up to N at once; or "off"."""
        number, _, unit = rate.partition("/")
        self._is_off = rate == "off"
        self._period = SECONDS.get(unit, 1.0)
        self._interval = 0.0 if self._is_off else self._period / int(number)
        self._clock = clock
        # When each budget is full again, the last caller at the end.
        self._whole_at: dict[str, float] = {}

    def seconds_to_wait(self, caller: str) -> float:
        """Count a call and return 0, or return when it can be made."""
        if self._is_off:
            return 0.0
        now = self._clock()
        whole_at = max(self._whole_at.pop(caller, now), now)
        excess = whole_at + self._interval - now - self._period
        allowed = excess <= TOLERANCE
        self._whole_at[caller] = whole_at + self._interval if allowed else whole_at
        if len(self._whole_at) > MOST_CALLERS:
            del self._whole_at[next(iter(self._whole_at))]
        return 0.0 if allowed else excess
