"""Follows which agents match some filters, by the feed of events.

Changes derive from events and agents' records alone, so all processes report the same ones, and a
client can go on in any of them.
"""

from agents.discovery.watch.hub import Hub
from agents.discovery.watch.messages import Kind
from agents.discovery.watch.view import NotWatchable, View
from agents.discovery.watch.watchers import Poll, Watcher

__all__ = ["Hub", "Kind", "NotWatchable", "Poll", "View", "Watcher"]
