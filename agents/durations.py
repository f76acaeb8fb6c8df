from datetime import UTC, datetime

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def in_words(seconds: float, units: int = 2) -> str:
    """Return "3 min 5 s"; "0 s" for a negative duration."""
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
    return f"{in_words(seconds, units)} ago" if seconds >= 1 else "now"


def exactly(at: datetime) -> str:
    """In UTC: such texts are kept, and sent to others."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
