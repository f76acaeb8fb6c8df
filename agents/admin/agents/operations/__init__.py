"""What operators can do to agents, by `agents.leases`."""

from agents.admin.agents.operations.actions import Operations

__all__ = ["Operations"]
