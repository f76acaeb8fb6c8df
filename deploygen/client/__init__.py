"""The client of an agent registry. It needs only httpx, nothing of the package around it."""

from .client import STOPPING_SECONDS, AgentRegistryClient
from .http import RegistryError, RegistryRefused, RegistryUnavailable
from .pacing import Pacing

__all__ = [
    "STOPPING_SECONDS",
    "AgentRegistryClient",
    "Pacing",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
]
