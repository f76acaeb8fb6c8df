from typing import Any

from agents.states import Status

STATUSES = frozenset(Status.values)


def is_status(status: Any) -> bool:
    return isinstance(status, str) and status in STATUSES


def is_text(text: Any, longest: int) -> bool:
    # Printable text can be stored.
    return (
        isinstance(text, str)
        and len(text) <= longest
        and text.isprintable()
        and text == text.strip()
    )
