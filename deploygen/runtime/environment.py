import os
import stat
from collections.abc import Iterable, Mapping, MutableMapping

LARGEST_SECRET_BYTES = 64 * 1024


def set_defaults(values: Mapping[str, str | None], environ: MutableMapping[str, str]) -> None:
    """An empty variable counts as set."""
    for name, value in values.items():
        if value is not None:
            environ.setdefault(name, value)


def load_secrets(names: Iterable[str], environ: MutableMapping[str, str]) -> str | None:
    """Set variables from NAME_FILE. Return which are missing, and why."""
    problems: list[str] = []
    for name in names:
        try:
            secret = read_secret(name, environ)
        except ValueError as error:
            problems.append(f"the secret {name} is missing: {error}")
            continue
        if secret is None:
            problems.append(f"the secret {name} is missing: set {name}, or {name}_FILE")
        else:
            environ[name] = secret
    return "; ".join(problems) or None


def read_secret(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable, else the content of the file in NAME_FILE, else None.

    Raises ValueError, without the content.
    """
    if value := environ.get(name):
        return value
    path = environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"the file of {name}_FILE: {why}") from None


def _read(path: str) -> str:
    with open(path, "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(LARGEST_SECRET_BYTES + 1)
    if len(content) > LARGEST_SECRET_BYTES:
        raise ValueError(f"it has more than {LARGEST_SECRET_BYTES} bytes")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:  # holds some of the secret
        raise ValueError("it is not UTF-8") from None
    if not secret or "\0" in secret:
        raise ValueError("it is empty" if not secret else "it has a null byte")
    return secret


def _open(path: str, flags: int) -> int:
    # Opening a pipe would block.
    return os.open(path, flags | os.O_NONBLOCK)
