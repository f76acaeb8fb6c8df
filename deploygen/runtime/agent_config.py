"""The agent's configuration: agent.json, with the environment having the last word."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG_FILE = "agent.json"
HIGHEST_PORT = 65535
AGENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,255}")
# Seconds that running requests get to finish after a SIGTERM. Together with what follows them it
# stays below the ten seconds after which `docker stop` kills.
DEFAULT_DRAIN_SECONDS = 7.0


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file or the variable."""


@dataclass(frozen=True)
class AgentConfig:
    name: str
    agent_id: str
    description: str
    port: int
    drain_seconds: float
    # Names of the modules beside the server that are started with it: see extensions.py.
    extensions: tuple[str, ...]
    # The whole of agent.json, where an extension finds the section that is its own, and the
    # environment that may override it.
    document: Mapping[str, Any]
    environ: Mapping[str, str]


def read_config(folder: Path, environ: Mapping[str, str]) -> AgentConfig:
    """Read ``folder``/agent.json. AGENT_ID, AGENT_PORT and AGENT_DRAIN_SECONDS override it.

    An empty variable counts as unset. Raises ConfigError.
    """
    path = folder / CONFIG_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a JSON object")
    try:
        name, agent_id, port = (str(document[key]) for key in ("name", "agent_id", "port"))
    except KeyError as error:
        raise ConfigError(f"{path} lacks {error}") from error
    extensions = document.get("extensions", [])
    if not isinstance(extensions, list) or not all(isinstance(name, str) for name in extensions):
        raise ConfigError(f"{path}: extensions must be a list of names of modules")
    return AgentConfig(
        name=name,
        agent_id=_agent_id(environ.get("AGENT_ID") or agent_id),
        description=str(document.get("description", "")),
        port=_port(environ.get("AGENT_PORT") or port),
        drain_seconds=read_seconds("AGENT_DRAIN_SECONDS", environ) or DEFAULT_DRAIN_SECONDS,
        extensions=tuple(extensions),
        document=document,
        environ=environ,
    )


def read_seconds(variable: str, environ: Mapping[str, str]) -> float | None:
    """Return the seconds, more than none, that a variable holds; None when it is unset or empty.

    Raises ConfigError.
    """
    text = environ.get(variable)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 < seconds < math.inf:
        return seconds
    raise ConfigError(f"{variable} must be a number of seconds above 0, not {text!r}")


def _agent_id(text: str) -> str:
    if AGENT_ID.fullmatch(text):
        return text
    raise ConfigError(f"the id (AGENT_ID) must be 1 to 255 of A-Z a-z 0-9 . _ : -, not {text!r}")


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= HIGHEST_PORT:
        return int(text)
    raise ConfigError(f"the port (AGENT_PORT) must be 1 to {HIGHEST_PORT}, not {text!r}")
