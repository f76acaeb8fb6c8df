"""What the fields of a spec may hold. Each check raises SpecError, which names the field."""

import keyword
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement

LOWEST_PORT = 1024
HIGHEST_PORT = 65535
HIGHEST_TTL_SECONDS = 86_400
SHORTEST_HEARTBEAT_SECONDS = 0.1
SHORTEST_SYNC_TIMEOUT = 0.01
LONGEST_SYNC_TIMEOUT = 3600
MOST_JOBS = 1000
# As many as the registry keeps of an agent's tags and skills.
MOST_LISTED = 64
LONGEST_LISTED = 64
LONGEST_NAME = 63
LONGEST_DESCRIPTION = 500
LONGEST_VALUE = 2000
LONGEST_URL = 2000
HIGHEST_INTEGER = 2**63 - 1
DEEPEST_VALUE = 16

TYPES = ("string", "integer", "number", "boolean", "array", "object")

# A component of an image's name (OCI distribution, "name"), as long as a label of DNS.
NAME = rf"(?=.{{1,{LONGEST_NAME}}}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
AGENT_ID = r"[A-Za-z0-9._:-]{1,255}"
VERSION = r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}"
HANDLER = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"
# Of inputs and outputs: names of fields in Python as in JSON.
FIELD_NAME = r"[A-Za-z][A-Za-z0-9_]{0,63}"
SKILL_ID = r"[A-Za-z0-9._:-]{1,64}"
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
# A reference to an image (OCI distribution): registry, path, tag, digest.
IMAGE = r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}"
# What may stand in a URL (RFC 3986, appendix A), less what would be more than text in a shell.
URL_TEXT = r"[A-Za-z0-9._~:/?#\[\]@!*+,;=%-]*"
HOST_AND_PORT = r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"

# Paths of the registry's API, and what clients take for steps in a path.
NO_IDS = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})
# Variables by which the image itself finds its Python and its libraries.
OF_THE_IMAGE = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH"})
OF_THE_AGENT = "AGENT_"


class SpecError(Exception):
    """The spec cannot be used. `field` is a path of attributes: "port", "inputs[0].type"."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def matches(pattern: str, text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None


def check_name(name: object) -> None:
    if not matches(NAME, name):
        raise SpecError(
            "name",
            "it names an image, so it must be 1 to 63 of a-z, 0-9 and, between these, single "
            f"'.', '_' or '-', not {name!r}",
        )


def check_agent_id(field: str, agent_id: object) -> None:
    if agent_id in NO_IDS:
        raise SpecError(field, f"{agent_id!r} cannot be an agent's id: the API uses that word")
    if not matches(AGENT_ID, agent_id):
        problem = f"it must be 1 to 255 of A-Z, a-z, 0-9, '.', '_', ':', '-', not {agent_id!r}"
        raise SpecError(field, problem)


def check_text(field: str, text: object, *, longest: int, lines: bool = False) -> None:
    """Require text without control characters; with `lines`, line ends and tabs are text."""
    if not isinstance(text, str):
        raise SpecError(field, f"it must be text, not {text!r}")
    if len(text) > longest:
        raise SpecError(field, f"it may have {longest} characters, not {len(text)}")
    for character in text:
        # Control characters and halves of surrogate pairs.
        of_a_line_end = lines and character in "\n\r\t"
        if unicodedata.category(character) in ("Cc", "Cs") and not of_a_line_end:
            raise SpecError(field, f"it must be text, without {character!r}")


def check_listed(field: str, text: object) -> None:
    """Require a short name such as a tag."""
    check_text(field, text, longest=LONGEST_LISTED)
    if not isinstance(text, str) or not text or text != text.strip():
        raise SpecError(field, f"it must have no blanks around it and not be empty: {text!r}")


def check_list(field: str, values: Sequence[object]) -> None:
    if len(values) > MOST_LISTED:
        raise SpecError(field, f"there may be {MOST_LISTED} of them, not {len(values)}")


def check_different(field: str, names: Sequence[str], key: str = "") -> None:
    """Require that no name of a list comes twice; `key` is what the name is of an item."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise SpecError(f"{field}[{index}]{key}", f"{name!r} is in the list already")


def check_port(port: object) -> None:
    if not is_whole(port) or not LOWEST_PORT <= port <= HIGHEST_PORT:
        reason = "the agent does not run as root, which the ports below need"
        raise SpecError(
            "port", f"it must be {LOWEST_PORT} to {HIGHEST_PORT} ({reason}), not {port!r}"
        )


def check_handler(handler: object) -> None:
    if not isinstance(handler, str) or not matches(HANDLER, handler):
        raise SpecError("handler", f"it must be module:function, not {handler!r}")
    for word in re.split(r"[.:]", handler):
        if keyword.iskeyword(word):
            raise SpecError("handler", f"{word!r} is a word of Python, and cannot be a name")


def check_sync_timeout(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise SpecError("sync_timeout", f"it must be a number of seconds, not {seconds!r}")
    if not SHORTEST_SYNC_TIMEOUT <= seconds <= LONGEST_SYNC_TIMEOUT:
        problem = f"it must be {SHORTEST_SYNC_TIMEOUT:g} to {LONGEST_SYNC_TIMEOUT} seconds"
        raise SpecError("sync_timeout", f"{problem}, not {seconds!r}")


def check_jobs(jobs: object) -> None:
    if not is_whole(jobs) or not 1 <= jobs <= MOST_JOBS:
        raise SpecError("max_jobs", f"it must be 1 to {MOST_JOBS}, not {jobs!r}")


def check_lease(ttl: object, interval: object) -> None:
    if not is_whole(ttl) or not 1 <= ttl <= HIGHEST_TTL_SECONDS:
        problem = f"it must be 1 to {HIGHEST_TTL_SECONDS} whole seconds, not {ttl!r}"
        raise SpecError("ttl_seconds", problem)
    if interval is None:
        return
    if (
        isinstance(interval, bool)
        or not isinstance(interval, int | float)
        or not math.isfinite(interval)
    ):
        raise SpecError("heartbeat_interval", f"it must be a number of seconds, not {interval!r}")
    if not SHORTEST_HEARTBEAT_SECONDS <= interval <= ttl / 2:
        raise SpecError(
            "heartbeat_interval",
            f"it must be {SHORTEST_HEARTBEAT_SECONDS:g} s to half of the TTL, which is {ttl} s; "
            f"not {interval:g}",
        )


def check_registry_url(url: object) -> None:
    problem = _problem_of_url(url)
    if not problem and ("?" in str(url) or "#" in str(url)):
        problem = "it must have no query and no fragment"
    if problem:
        # Without the URL itself: it may hold a password.
        raise SpecError("registry_url", problem)


def check_dependency(field: str, dependency: object) -> None:
    """Require what can be tried: a URL, or host:port."""
    if isinstance(dependency, str) and "://" in dependency:
        problem = _problem_of_url(dependency)
        if problem:
            raise SpecError(field, problem)
    elif (
        not isinstance(dependency, str)
        or not matches(HOST_AND_PORT, dependency)
        or not 1 <= int(dependency.rpartition(":")[2]) <= HIGHEST_PORT
    ):
        problem = f"it must be http://..., https://... or host:port, not {dependency!r}"
        raise SpecError(field, problem)


def check_requirement(field: str, requirement: object) -> None:
    """Require what pip can install anywhere: a name with versions, or an https URL (PEP 508)."""
    check_text(field, requirement, longest=LONGEST_VALUE)
    try:
        parsed = Requirement(str(requirement))
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0].rstrip(":")
        raise SpecError(field, f"it is no requirement such as 'numpy>=2': {problem}") from error
    if matches(r".*(\\|\$|\s#).*", requirement):
        # In a file of requirements: the next line, a variable, a comment.
        raise SpecError(field, r"it must have no '\', no '$' and no comment")
    if parsed.url is None:
        return
    parts = urlsplit(parsed.url)
    if parts.scheme != "https" or "@" in parts.netloc or not matches(URL_TEXT, parsed.url):
        raise SpecError(field, "its URL must be https://, without a user or a password")


def check_variable(field: str, name: object) -> None:
    if not isinstance(name, str) or not matches(VARIABLE, name):
        problem = f"it must be the name of a variable (A-Z, a-z, 0-9, '_'), not {name!r}"
        raise SpecError(field, problem)
    if name.upper().startswith(OF_THE_AGENT):
        raise SpecError(field, f"{name} is taken: {OF_THE_AGENT}... are settings of every agent")
    if name in OF_THE_IMAGE:
        raise SpecError(field, f"{name} is taken: the image uses it to find its own files")


def check_value(field: str, value: Any, type_name: str) -> None:
    """Require a JSON value of one of TYPES."""
    is_it = {
        "string": isinstance(value, str),
        "integer": is_whole(value),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    if not is_it[type_name]:
        article = "an" if type_name[0] in "aio" else "a"
        raise SpecError(field, f"it must be {article} {type_name}, as its type says, not {value!r}")
    _check_json(field, value, DEEPEST_VALUE)


def is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_json(field: str, value: Any, levels: int) -> None:
    if levels == 0:
        raise SpecError(field, f"it may be nested {DEEPEST_VALUE} levels deep")
    if isinstance(value, str):
        check_text(field, value, longest=LONGEST_VALUE, lines=True)
    elif isinstance(value, list):
        for item in value:
            _check_json(field, item, levels - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(field, key, longest=LONGEST_LISTED)
            _check_json(field, item, levels - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SpecError(field, f"JSON has no number {value!r}")
    elif is_whole(value) and abs(value) > HIGHEST_INTEGER:
        raise SpecError(field, "it must fit into 64 bits")
    elif value is not None and not isinstance(value, bool | int | float):
        raise SpecError(field, f"it must be JSON, not {value!r}")


def _problem_of_url(url: object) -> str | None:
    if not isinstance(url, str) or len(url) > LONGEST_URL or not matches(URL_TEXT, url):
        return f"it may have {LONGEST_URL} characters, and those of a URL only"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"it is no URL: {error}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return "it must be http:// or https:// with a host, and perhaps a port"
    if "@" in parts.netloc:
        return "it must not hold a user or a password: the folder is no place for secrets"
    return None
