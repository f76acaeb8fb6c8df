"""Durations and moments as people read them."""

from datetime import datetime

from django.utils.timezone import localtime

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def in_words(seconds: float, units: int = 2) -> str:
    """Return a duration in its largest units, two of them: "12 s", "3 min 5 s", "2 d 4 h".

    What is left over is dropped. A negative duration is none: "0 s".
    """
    rest = max(int(seconds), 0)
    parts = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:units]) or "0 s"


def ago(seconds: float, units: int = 2) -> str:
    """Return how long ago something was; "now" within its first second."""
    return f"{in_words(seconds, units)} ago" if seconds >= 1 else "now"


def exactly(at: datetime) -> str:
    """Return a moment with its date and zone."""
    return localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
