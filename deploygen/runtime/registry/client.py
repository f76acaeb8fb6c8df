"""In agents' folders, deploygen/client/registration replaces this module."""

from ...client.registration import STOPPING_SECONDS, AgentRegistryClient

__all__ = ["STOPPING_SECONDS", "AgentRegistryClient"]
