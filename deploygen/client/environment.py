import os
from pathlib import Path


def read_secret(name: str) -> str | None:
    """Return the variable, else the content of the file in NAME_FILE, else None.

    Raises ValueError, without the content.
    """
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ValueError(f"the file of {name}_FILE cannot be read: {why}") from None
