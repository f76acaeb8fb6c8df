"""The client of an agent registry. It needs only httpx, nothing of the package around it."""

from .client import AgentRegistryClient
from .errors import RegistryError, RegistryRefused, RegistryUnavailable
from .lease import STOPPING_SECONDS
from .pacing import Pacing

__all__ = [
    "STOPPING_SECONDS",
    "AgentRegistryClient",
    "Pacing",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
]
