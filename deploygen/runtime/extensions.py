"""Modules that agent.json names under "extensions", which are started with the server.

Each has a function ``extension(config, status)`` that returns an Extension. The server knows
nothing else about them, so an agent without one has no trace of it. Names with a leading dot are
those of this package.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from .config import AgentConfig, ConfigError


@dataclass(frozen=True)
class AgentStatus:
    """What the agent says about itself at this moment."""

    status: Literal["starting", "ready", "degraded", "draining"]
    note: str = ""


StatusReader = Callable[[], AgentStatus]


class Extension(Protocol):
    async def start(self) -> None:
        """The socket listens. Must return at once."""

    def drain(self) -> None:
        """The agent is stopping, and finishes its running requests. Must return at once.

        Called by any thread.
        """

    async def stop(self) -> None:
        """The last request has its response. Must take bounded time, allow a second call, and work
        on another event loop than the one that called start."""

    def problem(self) -> str | None:
        """Why the agent should not be given work; None when it may."""


def load_extensions(config: AgentConfig, status: StatusReader) -> list[Extension]:
    """Import and make the extensions of agent.json. Raises ConfigError."""
    loaded: list[Extension] = []
    for name in config.extensions:
        try:
            module = importlib.import_module(name, package=__package__)
        except ModuleNotFoundError as error:
            raise ConfigError(f"the extension {name!r} cannot be imported: {error}") from error
        loaded.append(module.extension(config, status))
    return loaded
