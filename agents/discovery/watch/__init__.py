"""Follows which agents match some filters, by the feed of events.

A change is derived from an event and the agent's record alone, so all processes report the same
changes, and a client goes on from any position in any of them.
"""

from agents.discovery.watch.hub import Hub
from agents.discovery.watch.messages import Kind
from agents.discovery.watch.view import NotWatchable, View
from agents.discovery.watch.watchers import Poll, Watcher

__all__ = ["Hub", "Kind", "NotWatchable", "Poll", "View", "Watcher"]
