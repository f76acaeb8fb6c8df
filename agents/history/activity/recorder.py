"""Who keeps the minutes of activity: each web process, in the thread in which it pulses.

The heartbeats are counted in the memory of the web processes, and so are theirs to add. The events
could be counted by the worker's sweep as well; but an operator who looks because the worker is away
would see that no agent has registered since. Where there is no web process, nobody registers, and
nobody looks; what was purged meanwhile is counted when there is one again.
"""

import atexit
import logging
import os
import time
from collections.abc import Callable

from django.db import Error, connection

from agents.database.availability import tell_unavailable
from agents.history.activity.event_counts import count_events
from agents.history.activity.heartbeat_counts import HeartbeatTally

logger = logging.getLogger("agents.history.activity")

# Seconds between two additions.
INTERVAL = 10.0


class Keeper:
    """To be made before the process serves anybody; then `look` and `keep` every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heartbeats = HeartbeatTally(clock)
        self._next = clock() + INTERVAL
        self._is_away = False
        self._process = os.getpid()

    def look(self) -> None:
        """Note what this process did; it takes no database."""
        self._heartbeats.look()

    def keep(self) -> None:
        """Bring the minutes up to date, when it is time. What goes wrong is logged."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        try:
            self._heartbeats.add()
            if count_events():
                self._next = now
            self._is_away = False
        except Error as error:  # away, or not migrated yet: it may be better the next time
            self._is_away = True
            tell_unavailable(error)
        except Exception:  # a fault of ours must not end the pulse
            logger.exception("the activity could not be counted")

    def keep_at_exit(self) -> None:
        """Let the process, when it ends in peace, leave behind what it counted."""
        atexit.register(self._leave)

    def _leave(self) -> None:
        # Whatever is forked off inherits this, and not what was counted.
        if os.getpid() != self._process or self._is_away:
            return
        try:
            self._heartbeats.look()
            self._heartbeats.add()
            connection.close()
        except Error as error:
            tell_unavailable(error)
