"""Follows which agents match some filters.

Changes derive from events and records alone, so a client can go on in any process.
"""

from agents.discovery.watch.hub import Hub
from agents.discovery.watch.messages import Kind
from agents.discovery.watch.view import NotWatchable, View
from agents.discovery.watch.watchers import Poll, Watcher

__all__ = ["Hub", "Kind", "NotWatchable", "Poll", "View", "Watcher"]
