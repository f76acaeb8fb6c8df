"""Group commit: heartbeats that arrive during a commit share the next; a lone one never waits."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from django.db import close_old_connections, connection

from agents import leases
from agents.database.availability import UNAVAILABLE
from agents.heartbeats.calls import Call, CallQueue
from agents.leases import Renewal

logger = logging.getLogger("agents.heartbeats")

LOCK_PAUSE = 0.005  # seconds between tries to renew a locked record
IDLE = 5.0  # seconds after which a connection is checked before use
QUICK = 1.0  # a batch that fails within so many seconds met a dead connection


class GroupCommit:
    """Commits batches in a thread of its own, which passes finished calls to `deliver`.

    The event loop calls `delivered` before the next batch may start.
    """

    def __init__(self, deliver: Callable[[list[Call]], None]) -> None:
        self._deliver = deliver
        self._calls = CallQueue()
        self._last = time.monotonic()
        self._is_committing = False
        self._wake_ups: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeats", daemon=True).start()

    def offer(self, call: Call) -> bool:
        """Return False if the call could not be served in time."""
        return self._calls.offer(call)

    def flush(self) -> None:
        if not self._is_committing and self._calls.has_waiting():
            self._is_committing = True
            self._wake_ups.put(None)

    def delivered(self) -> None:
        self._is_committing = False

    def commit_waiting(self) -> None:
        calls = self._calls.begin_batch()
        done: list[Call] = []
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
                time.sleep(LOCK_PAUSE)
            else:
                self._wake_ups.get()
            try:
                self.commit_waiting()
            except Exception:  # without the thread, no heartbeat would be answered
                logger.exception("heartbeats could not be committed")

    def _commit(self, calls: Sequence[Call], *, is_retry: bool = False) -> None:
        if time.monotonic() - self._last > IDLE and not connection.in_atomic_block:
            close_old_connections()
        started = time.monotonic()
        try:
            self._renew(calls)
        except UNAVAILABLE as error:
            logger.info("a batch of heartbeats failed: %s", error)
            _disconnect()
            if is_retry or time.monotonic() - started > QUICK:
                for call in calls:
                    call.fail(error)
                return
            # It may have been committed: renewing twice does no harm.
            self._commit(calls, is_retry=True)
        except Exception as error:
            _disconnect()
            if len(calls) == 1:
                logger.exception("a heartbeat could not be committed")
                calls[0].fail(error)
                return
            for call in calls:  # one bad call must not fail the others
                self._commit([call], is_retry=is_retry)

    def _renew(self, calls: Sequence[Call]) -> None:
        started = time.monotonic()
        renewals: list[Renewal] = []
        for call in calls:
            renewals += call.pending()
        outcomes = leases.renew_many(renewals, waits=False)
        begin = 0
        for call in calls:
            end = begin + len(call.pending())
            call.record(outcomes[begin:end])
            begin = end
        self._calls.measured(len(renewals), time.monotonic() - started)


def _disconnect() -> None:
    if not connection.in_atomic_block:
        connection.close()
