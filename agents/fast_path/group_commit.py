"""Calls that arrive during a commit, or in a window before it, share the next one."""

import logging
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import ClassVar, Generic

from django.db import close_old_connections, connection

from agents.database.availability import UNAVAILABLE
from agents.fast_path.call_queue import CallQueue, CallT
from agents.fast_path.commit_window import CommitWindow

logger = logging.getLogger("agents.fast_path")

LOCK_PAUSE_SECONDS = 0.005
IDLE_SECONDS = 5.0  # then check the connection
QUICK_SECONDS = 1.0  # a failure so quick means a dead connection


class GroupCommit(ABC, Generic[CallT]):
    """Commits in a thread, which passes finished calls to `deliver`.

    The next commit waits until the event loop has called `delivered`.
    """

    name: ClassVar[str]

    def __init__(self, deliver: Callable[[list[CallT]], None]) -> None:
        self._deliver = deliver
        self._calls = CallQueue[CallT]()
        self._last = time.monotonic()
        self._is_committing = False
        self._window = CommitWindow()
        self._wake_ups: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"{self.name}s", daemon=True).start()

    def offer(self, call: CallT) -> bool:
        """Return False if the call would wait too long."""
        self._window.arrived()
        return self._calls.offer(call)

    def flush(self) -> float:
        waiting = self._calls.count_waiting()
        if self._is_committing or not waiting:
            return math.inf
        left = self._window.left(waiting)
        if left:
            return left
        self._is_committing = True
        self._wake_ups.put(None)
        return math.inf

    def delivered(self) -> None:
        self._is_committing = False
        self._window.committed()

    def commit_waiting(self) -> None:
        calls = self._calls.begin_batch()
        done: list[CallT] = []
        try:
            self._commit(calls)
            now = time.monotonic()
            done = [call for call in calls if not self._calls.requeue_if_locked(call, now)]
        finally:
            self._calls.end_batch()
            self._last = time.monotonic()
            self._deliver(done)

    def _run(self) -> None:
        while True:
            if self._calls.has_locked():
                time.sleep(LOCK_PAUSE_SECONDS)
            else:
                self._wake_ups.get()
            try:
                self.commit_waiting()
            except Exception:
                logger.exception("%ss could not be committed", self.name)

    def _commit(self, calls: Sequence[CallT], *, is_retry: bool = False) -> None:
        if time.monotonic() - self._last > IDLE_SECONDS and not connection.in_atomic_block:
            close_old_connections()
        started = time.monotonic()
        try:
            self._write_measured(calls)
        except UNAVAILABLE as error:
            logger.info("a batch of %ss failed: %s", self.name, error)
            _disconnect()
            if is_retry or time.monotonic() - started > QUICK_SECONDS:
                for call in calls:
                    call.fail(error)
                return
            # Repeating it does no harm.
            self._commit(calls, is_retry=True)
        except Exception as error:
            _disconnect()
            if len(calls) == 1:
                logger.exception("a %s could not be committed", self.name)
                calls[0].fail(error)
                return
            for call in calls:
                self._commit([call], is_retry=is_retry)

    @abstractmethod
    def write(self, calls: Sequence[CallT]) -> None:
        pass

    def _write_measured(self, calls: Sequence[CallT]) -> None:
        started = time.monotonic()
        size = sum(call.size for call in calls)
        self.write(calls)
        self._calls.measured(size, time.monotonic() - started)


def _disconnect() -> None:
    if not connection.in_atomic_block:
        connection.close()
