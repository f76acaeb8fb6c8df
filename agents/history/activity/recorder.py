"""Records activity in each web process, since the worker may be down."""

import atexit
import logging
import os
import time
from collections.abc import Callable

from django.db import Error, connection

from agents.database.availability import log_unavailable
from agents.history.activity.event_counts import count_events
from agents.history.activity.heartbeat_counts import HeartbeatCounter

logger = logging.getLogger("agents.history.activity")

INTERVAL = 10.0


class ActivityRecorder:
    """Create it before the first request; call `sample` and `record` every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heartbeats = HeartbeatCounter(clock)
        self._next = clock() + INTERVAL
        self._is_away = False
        self._process = os.getpid()

    def sample(self) -> None:
        self._heartbeats.sample()

    def record(self) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        try:
            self._heartbeats.flush()
            if count_events():
                self._next = now
            self._is_away = False
        except Error as error:  # away, or not migrated yet
            self._is_away = True
            log_unavailable(error)
        except Exception:  # a bug here must not end the thread
            logger.exception("the activity could not be counted")

    def record_at_exit(self) -> None:
        atexit.register(self._record_last)

    def _record_last(self) -> None:
        # Forks inherit the handler, but must not write these heartbeats again.
        if os.getpid() != self._process or self._is_away:
            return
        try:
            self._heartbeats.sample()
            self._heartbeats.flush()
            connection.close()
        except Error as error:
            log_unavailable(error)
