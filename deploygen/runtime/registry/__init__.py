"""Keeps the agent registered. Agents without a registry lack this package."""

from .registration import extension

__all__ = ["extension"]
