"""A page on which people try the agent. Agents whose spec does not ask for it lack this package."""

from .route import add_page

__all__ = ["add_page"]
