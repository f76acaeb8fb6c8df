"""In agents' folders, deploygen/client replaces this module."""

from ...client import STOPPING_SECONDS, AgentRegistryClient

__all__ = ["STOPPING_SECONDS", "AgentRegistryClient"]
