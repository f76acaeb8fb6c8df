"""Client of an agent registry; needs only httpx."""

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
