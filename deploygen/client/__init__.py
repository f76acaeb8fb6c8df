"""The client of an agent registry. It needs httpx, and nothing of the package around it."""

from .client import AgentRegistryClient
from .http import RegistryError, RegistryRefused, RegistryUnavailable
from .lease import DEREGISTER_SECONDS, LAST_CALL_SECONDS
from .pacing import Pacing

__all__ = [
    "DEREGISTER_SECONDS",
    "LAST_CALL_SECONDS",
    "AgentRegistryClient",
    "Pacing",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
]
