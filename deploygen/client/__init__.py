"""The client of an agent registry; needs only httpx.

`Registration` registers this process as an agent, `Registry` and `AsyncRegistry` find agents.
"""

from .discovery import Agent, AsyncRegistry, AsyncWatch, Change, Kind, Registry, Watch
from .process import Registration
from .registration import (
    AgentRegistryClient,
    Pacing,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
)

__all__ = [
    "Agent",
    "AgentRegistryClient",
    "AsyncRegistry",
    "AsyncWatch",
    "Change",
    "Kind",
    "Pacing",
    "Registration",
    "Registry",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
    "Watch",
]
