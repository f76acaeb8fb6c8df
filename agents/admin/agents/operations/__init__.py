from agents.admin.agents.operations.actions import Operations

__all__ = ["Operations"]
