"""Keeps the agent registered. An agent without a registry does not have this package."""

from .registration import extension

__all__ = ["extension"]
