"""Sends traces. Only agents that ask for them have this package."""

from .extension import extension

__all__ = ["extension"]
