"""Durations as people read them."""

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def in_words(seconds: float) -> str:
    """Return a duration in its two largest units: "12 s", "3 min 5 s", "2 d 4 h"."""
    rest = int(seconds)
    parts = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def ago(seconds: float) -> str:
    """Return how long ago something was; "now" within its first second."""
    return f"{in_words(seconds)} ago" if seconds >= 1 else "now"
