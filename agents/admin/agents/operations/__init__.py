"""What an operator does to agents: doors to `agents.leases`, for one agent or for many."""

from agents.admin.agents.operations.actions import Operations

__all__ = ["Operations"]
