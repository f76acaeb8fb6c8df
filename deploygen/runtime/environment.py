"""What the handler finds in its environment: default values, and secrets."""

import os
import stat
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

LARGEST_SECRET_BYTES = 64 * 1024


def set_defaults(values: Mapping[str, str | None], environ: MutableMapping[str, str]) -> None:
    """Set the variables that have a value here and are not set. An empty one is set."""
    for name, value in values.items():
        if value is not None:
            environ.setdefault(name, value)


def load_secrets(names: Iterable[str], environ: MutableMapping[str, str]) -> str | None:
    """Put the secrets that are in files into the environment, unless their variables are set.

    Returns which are missing and why, without any value; None when none is.
    """
    problems: list[str] = []
    for name in names:
        if environ.get(name):
            continue
        path = environ.get(f"{name}_FILE")
        if not path:
            problems.append(f"the secret {name} is missing: set {name}, or {name}_FILE")
            continue
        try:
            environ[name] = read_secret(Path(path))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            problems.append(f"the secret {name} is missing: the file of {name}_FILE: {why}")
    return "; ".join(problems) or None


def read_secret(path: Path) -> str:
    """Return what a file holds. Raises OSError, or ValueError, whose message has nothing of it."""
    with open(path, "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(LARGEST_SECRET_BYTES + 1)
    if len(content) > LARGEST_SECRET_BYTES:
        raise ValueError(f"it has more than {LARGEST_SECRET_BYTES} bytes")
    try:
        # Editors, and echo, add a line end that is not part of the secret.
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:  # whose text has some of it
        raise ValueError("it is not UTF-8") from None
    if not secret or "\0" in secret:
        raise ValueError("it is empty" if not secret else "it has a null byte")
    return secret


def _open(path: str, flags: int) -> int:
    # Opening a pipe would wait for somebody to write into it.
    return os.open(path, flags | os.O_NONBLOCK)
