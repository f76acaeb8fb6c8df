"""Parts of JSON objects, such as cards, whose shape nobody has checked."""

from typing import Any


def text_at(value: Any, key: str) -> str:
    """Return "" if there is no string."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def list_at(value: Any, key: str) -> list[Any]:
    """Return an empty list if there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
