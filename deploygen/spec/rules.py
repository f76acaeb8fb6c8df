import re
from typing import Any
from urllib.parse import urlsplit

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError

from deploygen.spec.fields import wrong

HIGHEST_PORT = 65535
LONGEST_URL = 2000
# RFC 3986, without what is special to a shell.
URL_TEXT = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!*+,;=%-]*")
HOST_AND_PORT = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
# Paths of the API, and relative segments.
RESERVED_IDS = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})
# The image finds its Python and libraries by these.
IMAGE_VARIABLES = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH"})
AGENT_VARIABLES = "AGENT_"
PYTHON_IMAGE = re.compile(r"(?:^|/)python:(\d+)\.(\d+)(?!\d)[^/]*$")
OLDEST_PYTHON = (3, 11)
PYTHONS = tuple((3, minor) for minor in range(11, 21))
PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def free_id(agent_id: str) -> str:
    if agent_id in RESERVED_IDS:
        raise wrong(f"{agent_id!r} cannot be an agent's id: the registry's API uses that word")
    return agent_id


def registry_url(url: str) -> str:
    problem = problem_of_url(url)
    if not problem and ("?" in url or "#" in url):
        problem = "it must have no query and no fragment"
    if problem:
        # The URL may contain a password.
        raise wrong(problem)
    return url.rstrip("/")


def dependency(target: str) -> str:
    if "://" in target:
        if problem := problem_of_url(target):
            raise wrong(problem)
        return target
    match = HOST_AND_PORT.fullmatch(target)
    if match is None or not 1 <= int(match[3]) <= HIGHEST_PORT:
        raise wrong(f"it must be http://..., https://... or host:port, not {target!r}")
    return target


def python_of(image: str) -> tuple[int, int] | None:
    """None if the name gives no version."""
    match = PYTHON_IMAGE.search(image)
    return (int(match[1]), int(match[2])) if match else None


def pythons_of(image: str) -> tuple[tuple[int, int], ...]:
    python = python_of(image)
    return PYTHONS if python is None else (python,)


def base_image(image: str) -> str:
    python = python_of(image)
    if python is not None and python < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise wrong(f"an agent needs Python {oldest} or newer: take python:3.13-slim, for example")
    return image


def variable(name: str) -> str:
    if name.upper().startswith(AGENT_VARIABLES):
        raise wrong(f"{name} is taken: {AGENT_VARIABLES}... are settings of every agent")
    if name in IMAGE_VARIABLES:
        raise wrong(f"{name} is taken: the image uses it to find its own files")
    return name


def pattern(text: str) -> str:
    try:
        GitIgnoreSpec.from_lines([text])
    except GitIgnorePatternError as error:
        raise wrong(f"it is not a pattern as in .gitignore: {text!r}") from error
    return text


def value_of_type(value: Any, type_name: str) -> Any:
    is_bool = isinstance(value, bool) and type_name != "boolean"
    if is_bool or not isinstance(value, PYTHON_TYPES[type_name]):
        article = "an" if type_name[0] in "aio" else "a"
        raise wrong(f"it must be {article} {type_name}, as its type says, not {value!r}")
    return value


def problem_of_url(url: str) -> str | None:
    if len(url) > LONGEST_URL or not URL_TEXT.fullmatch(url):
        return f"it may have at most {LONGEST_URL} characters, and only those of a URL"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"it is not a URL: {error}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return "it must be http:// or https:// with a host, and perhaps a port"
    if "@" in parts.netloc:
        return "it must not hold a user or a password: the folder is no place for secrets"
    return None
