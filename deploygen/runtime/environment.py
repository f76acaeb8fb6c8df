"""What the handler finds in its environment: defaults, and secrets, which come at run time only."""

import os
import stat
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

LARGEST_SECRET_BYTES = 64 * 1024


def set_defaults(defaults: Mapping[str, str], environ: MutableMapping[str, str]) -> None:
    """Set what is not set. An empty variable is set: the handler may want that."""
    for name, value in defaults.items():
        environ.setdefault(name, value)


def load_secrets(names: Iterable[str], environ: MutableMapping[str, str]) -> str | None:
    """Put the secrets that are in files into the environment, where the handler finds them.

    Returns what is missing, by name and without any value; None when nothing is. A variable that
    is set goes before its file.
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
    """Return what a file holds. Raises OSError, or ValueError with a message without any of it."""
    with open(path, "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(LARGEST_SECRET_BYTES + 1)
    if len(content) > LARGEST_SECRET_BYTES:
        raise ValueError(f"it has more than {LARGEST_SECRET_BYTES} bytes")
    try:
        # Editors, and echo, end a file with a line end that is no part of the secret.
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:  # whose text would tell some of it
        raise ValueError("it is not UTF-8") from None
    if not secret or "\0" in secret:
        raise ValueError("it is empty" if not secret else "it has a null byte")
    return secret


def _open(path: str, flags: int) -> int:
    # To open a pipe would wait for somebody to write into it, and nothing would be served.
    return os.open(path, flags | os.O_NONBLOCK)
