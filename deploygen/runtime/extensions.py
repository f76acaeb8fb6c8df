"""Modules that agent.json names; a leading dot means this package.

Each has ``extension(config, status)``, which returns an Extension.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from .config import AgentConfig, ConfigError
from .metrics import Metric
from .problems import Problem


@dataclass(frozen=True)
class AgentStatus:
    status: Literal["starting", "ready", "degraded", "draining"]
    note: str = ""


StatusReader = Callable[[], AgentStatus]


class Extension(Protocol):
    async def start(self) -> None:
        """Called when the socket listens. Must return at once."""

    def drain(self) -> None:
        """Called in any thread while requests finish. Must return at once."""

    async def stop(self) -> None:
        """Called after the last response. Must take bounded time.

        A second call, on another event loop, must be possible.
        """

    def metrics(self) -> list[Metric]:
        """Called in any thread. Must return at once."""

    def problem(self) -> Problem | None:
        pass


def load_extensions(config: AgentConfig, status: StatusReader) -> list[Extension]:
    """Raises ConfigError."""
    loaded: list[Extension] = []
    for name in config.extensions:
        try:
            module = importlib.import_module(name, package=__package__)
        except ModuleNotFoundError as error:
            raise ConfigError(f"the extension {name!r} cannot be imported: {error}") from error
        loaded.append(module.extension(config, status))
    return loaded
