"""What a generated agent is to be: the one description that the generator works from."""

import math
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORT = 8000
DEFAULT_TTL_SECONDS = 60
LOWEST_PORT = 1024
HIGHEST_PORT = 65535
HIGHEST_TTL_SECONDS = 86_400
SHORTEST_HEARTBEAT_SECONDS = 0.1
LONGEST_DESCRIPTION = 500
LONGEST_URL = 2000

# A component of an image's name (OCI distribution, "name"), as long as a label of DNS.
NAME = re.compile(r"(?=.{1,63}\Z)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
# What may stand in a URL (RFC 3986, appendix A), less what would be more than text in a shell.
URL_TEXT = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!*+,;=%-]*")
AGENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,255}")
# Paths of the registry's API, and what clients take for steps in a path.
NO_IDS = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})


class SpecError(Exception):
    """The spec cannot be used. `field` is the name of an attribute of AgentSpec."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """Raises SpecError when a field has a value that it cannot have.

    `registry_url` None: the agent has nothing to do with a registry. `heartbeat_interval`, in
    seconds, None: the one that the registry asks for, a third of the TTL. `agent_id` empty: the
    name.
    """

    name: str
    registry_url: str | None
    agent_id: str = ""
    description: str = ""
    port: int = DEFAULT_PORT
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    heartbeat_interval: float | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise SpecError(
                "name",
                "it names an image, so it must be 1 to 63 of a-z, 0-9 and, between these, single "
                f"'.', '_' or '-', not {self.name!r}",
            )
        if not self.agent_id:
            object.__setattr__(self, "agent_id", self.name)
        _check_agent_id(self.agent_id, "name" if self.agent_id == self.name else "agent_id")
        _check_description(self.description)
        _check_port(self.port)
        _check_lease(self.ttl_seconds, self.heartbeat_interval)
        if self.registry_url is not None:
            _check_registry_url(self.registry_url)
            object.__setattr__(self, "registry_url", self.registry_url.rstrip("/"))


def _check_agent_id(agent_id: str, field: str) -> None:
    if agent_id in NO_IDS:
        raise SpecError(field, f"{agent_id!r} cannot be an agent's id: the API uses that word")
    if not AGENT_ID.fullmatch(agent_id):
        problem = f"it must be 1 to 255 of A-Z, a-z, 0-9, '.', '_', ':', '-', not {agent_id!r}"
        raise SpecError(field, problem)


def _check_description(description: str) -> None:
    if len(description) > LONGEST_DESCRIPTION:
        problem = f"it may have {LONGEST_DESCRIPTION} characters, not {len(description)}"
        raise SpecError("description", problem)
    for character in description:
        # Control characters and halves of surrogate pairs; line ends and tabs are text.
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            raise SpecError("description", f"it must be text, without {character!r}")


def _check_port(port: int) -> None:
    if not _is_whole(port) or not LOWEST_PORT <= port <= HIGHEST_PORT:
        reason = "the agent does not run as root, which the ports below need"
        raise SpecError(
            "port", f"it must be {LOWEST_PORT} to {HIGHEST_PORT} ({reason}), not {port!r}"
        )


def _check_lease(ttl: int, interval: float | None) -> None:
    if not _is_whole(ttl) or not 1 <= ttl <= HIGHEST_TTL_SECONDS:
        problem = f"it must be 1 to {HIGHEST_TTL_SECONDS} whole seconds, not {ttl!r}"
        raise SpecError("ttl_seconds", problem)
    if interval is None:
        return
    if isinstance(interval, bool) or not math.isfinite(interval):
        raise SpecError("heartbeat_interval", f"it must be a number of seconds, not {interval!r}")
    if not SHORTEST_HEARTBEAT_SECONDS <= interval <= ttl / 2:
        raise SpecError(
            "heartbeat_interval",
            f"it must be {SHORTEST_HEARTBEAT_SECONDS:g} s to half of the TTL, which is {ttl} s; "
            f"not {interval:g}",
        )


def _check_registry_url(url: str) -> None:
    problem = _problem_of_url(url)
    if problem:
        # Without the URL itself: it may hold a password.
        raise SpecError("registry_url", problem)


def _problem_of_url(url: str) -> str | None:
    if len(url) > LONGEST_URL or not URL_TEXT.fullmatch(url):
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
    if "?" in url or "#" in url:
        return "it must have no query and no fragment"
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
