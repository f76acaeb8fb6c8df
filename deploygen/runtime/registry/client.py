"""In an agent's folder, the package deploygen/client takes the place of this module."""

from ...client import STOPPING_SECONDS, AgentRegistryClient

__all__ = ["STOPPING_SECONDS", "AgentRegistryClient"]
