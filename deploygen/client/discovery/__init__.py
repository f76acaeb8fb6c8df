"""Finds the agents of a registry."""

from .agent import Agent
from .async_registry import AsyncRegistry
from .async_watch import AsyncWatch
from .registry import Registry
from .view import Change, Kind
from .watch import Watch

__all__ = ["Agent", "AsyncRegistry", "AsyncWatch", "Change", "Kind", "Registry", "Watch"]
