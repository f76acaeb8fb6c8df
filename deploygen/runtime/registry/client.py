"""The client of the registry, as the runtime imports it.

In the folder of an agent, the package deploygen/client takes the place of this module.
"""

from ...client import (
    DEREGISTER_SECONDS,
    LAST_CALL_SECONDS,
    AgentRegistryClient,
)

__all__ = ["DEREGISTER_SECONDS", "LAST_CALL_SECONDS", "AgentRegistryClient"]
