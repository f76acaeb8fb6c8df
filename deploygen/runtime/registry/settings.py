"""What the registration needs to know: its section of agent.json, and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ..config import AgentConfig, ConfigError, read_seconds
from ..environment import read_secret

DEFAULT_TTL_SECONDS = 60
HIGHEST_TTL_SECONDS = 86_400
ENROLMENT_TOKEN = "AGENT_ENROLMENT_TOKEN"  # noqa: S105 - the variable's name


@dataclass(frozen=True)
class RegistrySettings:
    url: str
    ttl_seconds: int
    # None: what the registry asks for.
    heartbeat_seconds: float | None


def read_settings(config: AgentConfig) -> RegistrySettings:
    """Read the section "registry" of agent.json. Raises ConfigError.

    AGENT_REGISTRY_URL, AGENT_TTL_SECONDS and AGENT_HEARTBEAT_SECONDS override it.
    """
    section, environ = config.document.get("registry"), config.environ
    if not isinstance(section, dict):
        raise ConfigError('agent.json lacks the object "registry"')
    url = environ.get("AGENT_REGISTRY_URL") or str(section.get("url", ""))
    ttl: Any = read_seconds("AGENT_TTL_SECONDS", environ)
    heartbeat: Any = read_seconds("AGENT_HEARTBEAT_SECONDS", environ)
    if ttl is None:
        # An interval in the file was made for the TTL in the file.
        ttl = section.get("ttl_seconds", DEFAULT_TTL_SECONDS)
        heartbeat = heartbeat or section.get("heartbeat_interval")
    if not _is_number(ttl) or ttl != int(ttl) or not 1 <= ttl <= HIGHEST_TTL_SECONDS:
        raise ConfigError(
            f"the TTL (AGENT_TTL_SECONDS) must be 1 to {HIGHEST_TTL_SECONDS} whole seconds, "
            f"not {ttl!r}"
        )
    if heartbeat is not None and not (_is_number(heartbeat) and 0 < heartbeat <= ttl / 2):
        raise ConfigError(
            f"the heartbeat interval (AGENT_HEARTBEAT_SECONDS) must be above 0 and at most half "
            f"of the TTL, which is {ttl:g} s; not {heartbeat!r}"
        )
    return RegistrySettings(url, int(ttl), heartbeat)


def read_enrolment_token(environ: Mapping[str, str]) -> str | None:
    """Return what the registry wants to see of who registers; None when nothing is set.

    It is in AGENT_ENROLMENT_TOKEN, or in the file that AGENT_ENROLMENT_TOKEN_FILE names, which is
    read each time: it may be replaced while the agent runs. Raises ValueError, whose message says
    what is wrong with the file.
    """
    if token := environ.get(ENROLMENT_TOKEN):
        return token
    path = environ.get(f"{ENROLMENT_TOKEN}_FILE")
    if not path:
        return None
    try:
        return read_secret(Path(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"the file of {ENROLMENT_TOKEN}_FILE: {why}") from None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
