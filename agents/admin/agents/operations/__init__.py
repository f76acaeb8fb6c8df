"""What an operator can do to one agent or to many, by `agents.leases`."""

from agents.admin.agents.operations.actions import Operations

__all__ = ["Operations"]
