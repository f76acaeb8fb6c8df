"""The agent's configuration: agent.json, with the environment having the last word."""

import json
import math
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .declarations import (
    Declared,
    Skill,
    read_declared,
    read_defaults,
    read_handler,
    read_skills,
    read_texts,
)

CONFIG_FILE = "agent.json"
HIGHEST_PORT = 65535
AGENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,255}")
# Seconds that running requests get to finish after a SIGTERM. Together with what follows them it
# stays below the ten seconds after which `docker stop` kills.
DEFAULT_DRAIN_SECONDS = 7.0
# Seconds that the caller of /run waits for the answer, before it gets the id of a job.
DEFAULT_SYNC_TIMEOUT = 30.0
# Longer is a mistake, such as milliseconds, and beyond what a thread can wait.
LONGEST_SECONDS = 86_400.0
DEFAULT_MAX_JOBS = 16
HIGHEST_MAX_JOBS = 1000


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
    environ: MutableMapping[str, str]
    version: str = "0.1.0"
    handler: str = "handler:handle"
    inputs: tuple[Declared, ...] = ()
    outputs: tuple[Declared, ...] = ()
    skills: tuple[Skill, ...] = ()
    tags: tuple[str, ...] = ()
    # The variables of the handler that have a default.
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    sync_timeout: float = DEFAULT_SYNC_TIMEOUT
    max_jobs: int = DEFAULT_MAX_JOBS


def read_config(folder: Path, environ: MutableMapping[str, str]) -> AgentConfig:
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
    try:
        declared = _declarations(document)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    return AgentConfig(
        name=name,
        agent_id=_agent_id(environ.get("AGENT_ID") or agent_id),
        description=str(document.get("description", "")),
        port=_port(environ.get("AGENT_PORT") or port),
        drain_seconds=read_seconds("AGENT_DRAIN_SECONDS", environ) or DEFAULT_DRAIN_SECONDS,
        document=document,
        environ=environ,
        **declared,
    )


def read_seconds(variable: str, environ: Mapping[str, str]) -> float | None:
    """Return the seconds, more than none and a day at most, that a variable holds; None when it is
    unset or empty. Raises ConfigError.
    """
    text = environ.get(variable)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 < seconds <= LONGEST_SECONDS:
        return seconds
    raise ConfigError(
        f"{variable} must be a number of seconds above 0, up to {LONGEST_SECONDS:.0f}, not {text!r}"
    )


def _declarations(document: Mapping[str, Any]) -> dict[str, Any]:
    sync_timeout = document.get("sync_timeout", DEFAULT_SYNC_TIMEOUT)
    if not _is_number(sync_timeout) or not 0 < sync_timeout < math.inf:
        raise ValueError(f"sync_timeout must be seconds above 0, not {sync_timeout!r}")
    max_jobs = document.get("max_jobs", DEFAULT_MAX_JOBS)
    if not isinstance(max_jobs, int) or not 1 <= max_jobs <= HIGHEST_MAX_JOBS:
        raise ValueError(f"max_jobs must be 1 to {HIGHEST_MAX_JOBS}, not {max_jobs!r}")
    return {
        "extensions": read_texts(document, "extensions"),
        "version": str(document.get("version", "0.1.0")),
        "handler": read_handler(document),
        "inputs": read_declared(document, "inputs"),
        "outputs": read_declared(document, "outputs"),
        "skills": read_skills(document),
        "tags": read_texts(document, "tags"),
        "environment": read_defaults(document),
        "secrets": read_texts(document, "secrets"),
        "dependencies": read_texts(document, "dependencies"),
        "sync_timeout": float(sync_timeout),
        "max_jobs": max_jobs,
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _agent_id(text: str) -> str:
    if AGENT_ID.fullmatch(text):
        return text
    raise ConfigError(f"the id (AGENT_ID) must be 1 to 255 of A-Z a-z 0-9 . _ : -, not {text!r}")


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= HIGHEST_PORT:
        return int(text)
    raise ConfigError(f"the port (AGENT_PORT) must be 1 to {HIGHEST_PORT}, not {text!r}")
