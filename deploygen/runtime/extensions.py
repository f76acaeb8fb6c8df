"""What lives beside the server: modules that agent.json names under "extensions".

Such a module has a function ``extension(config, status)`` that returns an Extension. The server
knows nothing else of it, so that an agent without one carries no trace of it.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from .config import AgentConfig, ConfigError


@dataclass(frozen=True)
class AgentStatus:
    """The agent's own word about itself, at this moment."""

    status: Literal["starting", "ready", "degraded", "draining"]
    note: str = ""


StatusReader = Callable[[], AgentStatus]


class Extension(Protocol):
    async def start(self) -> None:
        """The socket is listening. Must return at once."""

    def drain(self) -> None:
        """The agent was asked to stop and finishes its running requests. Must return at once.

        Called on any thread.
        """

    async def stop(self) -> None:
        """The last request is answered. Bounded in time, harmless when called twice, and fit to
        be awaited on another loop than the one that called start."""

    def problem(self) -> str | None:
        """Why the agent should not be given work; None when nothing speaks against it."""


def load_extensions(config: AgentConfig, status: StatusReader) -> list[Extension]:
    """Import and make what agent.json names. Raises ConfigError."""
    loaded: list[Extension] = []
    for name in config.extensions:
        try:
            module = importlib.import_module(name, package=__package__)
        except ModuleNotFoundError as error:
            raise ConfigError(f"the extension {name!r} cannot be imported: {error}") from error
        loaded.append(module.extension(config, status))
    return loaded
