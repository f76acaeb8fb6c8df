"""The client of the registry, as the runtime imports it.

In the folder of an agent, the package deploygen/client takes the place of this module.
"""

from ...client import STOPPING_SECONDS, AgentRegistryClient

__all__ = ["STOPPING_SECONDS", "AgentRegistryClient"]
