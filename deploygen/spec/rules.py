"""Rules for fields that no pattern or range can express."""

import keyword
import re
from typing import Any
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from deploygen.spec.fields import wrong

HIGHEST_PORT = 65535
LONGEST_URL = 2000
# The characters of RFC 3986, without those special to a shell.
URL_TEXT = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!*+,;=%-]*")
HOST_AND_PORT = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
# Paths of the registry's API, and relative segments.
RESERVED_IDS = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})
# The image finds its Python and libraries by these.
IMAGE_VARIABLES = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH"})
AGENT_VARIABLES = "AGENT_"
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


def importable(handler: str) -> str:
    for word in re.split(r"[.:]", handler):
        if keyword.iskeyword(word):
            raise wrong(f"{word!r} is a keyword of Python, and cannot be a name")
    return handler


def registry_url(url: str) -> str:
    """Return the URL without trailing slashes."""
    problem = _problem_of_url(url)
    if not problem and ("?" in url or "#" in url):
        problem = "it must have no query and no fragment"
    if problem:
        # The URL itself may hold a password.
        raise wrong(problem)
    return url.rstrip("/")


def dependency(target: str) -> str:
    """Require a URL or host:port."""
    if "://" in target:
        if problem := _problem_of_url(target):
            raise wrong(problem)
        return target
    match = HOST_AND_PORT.fullmatch(target)
    if match is None or not 1 <= int(match[3]) <= HIGHEST_PORT:
        raise wrong(f"it must be http://..., https://... or host:port, not {target!r}")
    return target


def requirement(text: str) -> str:
    """Require what pip can install anywhere: a PEP 508 name or https URL."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0].rstrip(":")
        raise wrong(f"it is not a requirement such as 'numpy>=2': {problem}") from error
    if re.search(r"\\|\$|\s#", text):
        # Special in a requirements file.
        raise wrong(r"it must have no '\', no '$' and no comment")
    if parsed.url is not None:
        parts = urlsplit(parsed.url)
        if parts.scheme != "https" or "@" in parts.netloc or not URL_TEXT.fullmatch(parsed.url):
            raise wrong("its URL must be https://, without a user or a password")
    return text


def variable(name: str) -> str:
    if name.upper().startswith(AGENT_VARIABLES):
        raise wrong(f"{name} is taken: {AGENT_VARIABLES}... are settings of every agent")
    if name in IMAGE_VARIABLES:
        raise wrong(f"{name} is taken: the image uses it to find its own files")
    return name


def value_of_type(value: Any, type_name: str) -> Any:
    is_bool = isinstance(value, bool) and type_name != "boolean"
    if is_bool or not isinstance(value, PYTHON_TYPES[type_name]):
        article = "an" if type_name[0] in "aio" else "a"
        raise wrong(f"it must be {article} {type_name}, as its type says, not {value!r}")
    return value


def _problem_of_url(url: str) -> str | None:
    if len(url) > LONGEST_URL or not URL_TEXT.fullmatch(url):
        return f"it may have {LONGEST_URL} characters, and only those of a URL"
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
