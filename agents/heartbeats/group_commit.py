"""Group commit: heartbeats that arrive while one commit runs make up the next.

There is no waiting for more to come: alone, a heartbeat is committed at once, and the busier the
registry is, the more of them share the cost of a commit. A commit begins when the event loop has
read all that is at hand. Where more arrive than can be served in time, they are refused at once:
nobody waits for an answer that comes too late, and what waits here stays small.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from django.db import close_old_connections, connection

from agents import leases
from agents.database.availability import UNAVAILABLE
from agents.leases import LeaseLocked, Renewal, Renewed

logger = logging.getLogger("agents.heartbeats")

Outcome = Renewed | Exception

# Renewals in one statement: 1,000 take PostgreSQL some 10 ms.
MAX_BATCH = 1_000
# Seconds that a heartbeat may have to wait for its turn.
PATIENCE = 2.0
MAX_WAITING = 50_000
# Small batches cost about as much as this many; they say little about what a large one would.
SMALL_BATCH = 50
# Seconds for a record that somebody else has locked, and between two looks at it.
LOCK_PATIENCE = 2.0
LOCK_PAUSE = 0.005
# Seconds after which a connection that was not in use is looked at before it is used.
IDLE = 5.0
# An attempt that failed within so many seconds had a dead connection, and no time to be late.
QUICK = 1.0


@dataclass(slots=True, eq=False)
class Call:
    """A call with its renewals; `caller` is whatever the answer is for.

    `outcomes` are those of the renewals, in their order. `places` are those of the renewals that
    are tried again, as somebody had locked their records; until `locked_until`.
    """

    renewals: Sequence[Renewal]
    caller: Any
    outcomes: Sequence[Outcome] = ()
    places: Sequence[int] = ()
    locked_until: float = 0.0


class GroupCommit:
    """Commits calls in a thread of its own, a batch at a time.

    `offer`, `flush` and `delivered` belong into the thread of the event loop. `deliver` is called
    after each batch, in the thread of the commits, with the calls that are done; the event loop has
    to answer it by `delivered`, or there is no other batch.
    """

    def __init__(self, deliver: Callable[[list[Call]], None]) -> None:
        self._deliver = deliver
        self._waiting: deque[Call] = deque()
        self._locked: deque[Call] = deque()
        # Each counts in one thread only, so that neither needs a lock.
        self._offered = self._taken = 0
        self._seconds_each = 0.0
        self._began: float | None = None
        self._last = time.monotonic()
        self._is_committing = False
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeats", daemon=True).start()

    def offer(self, call: Call) -> bool:
        """Take a call, unless it could not be served in time; return whether it was taken."""
        if not self._is_in_time():
            return False
        self._offered += len(call.renewals)
        self._waiting.append(call)
        return True

    def flush(self) -> None:
        """Begin a batch with what was offered, unless one is under way.

        To be called when no more is at hand.
        """
        if self._waiting and not self._is_committing:
            self._is_committing = True
            self._wakes.put(None)

    def delivered(self) -> None:
        """Let the next `flush` begin the next batch."""
        self._is_committing = False

    def commit_waiting(self) -> None:
        """Commit what waits, up to a batch of it, and deliver what is done."""
        calls = self._take()
        done: list[Call] = []
        self._began = time.monotonic()
        try:
            self._commit(calls)
            now = time.monotonic()
            done = [call for call in calls if not self._has_to_wait(call, now)]
        finally:
            self._began, self._last = None, time.monotonic()
            self._deliver(done)

    def _is_in_time(self) -> bool:
        waiting = self._offered - self._taken
        began = self._began
        running = time.monotonic() - began if began is not None else 0.0
        return waiting < MAX_WAITING and running + waiting * self._seconds_each < PATIENCE

    def _run(self) -> None:
        while True:
            if self._locked:
                time.sleep(LOCK_PAUSE)
            else:
                self._wakes.get()
            try:
                self.commit_waiting()
            except Exception:  # a fault of ours must not end the thread, or nobody is answered
                logger.exception("heartbeats could not be committed")

    def _take(self) -> list[Call]:
        calls: list[Call] = []
        size = 0
        # However many records are locked, there is room for others.
        while self._locked and size < MAX_BATCH // 2:
            call = self._locked.popleft()
            calls.append(call)
            size += len(call.places)
        while self._waiting and size < MAX_BATCH:
            call = self._waiting.popleft()
            calls.append(call)
            size += len(call.renewals)
            self._taken += len(call.renewals)
        return calls

    def _commit(self, calls: Sequence[Call], *, is_second: bool = False) -> None:
        if time.monotonic() - self._last > IDLE and not connection.in_atomic_block:
            close_old_connections()
        started = time.monotonic()
        try:
            self._renew(calls)
        except UNAVAILABLE as error:
            logger.info("a batch of heartbeats failed: %s", error)
            _disconnect()
            if is_second or time.monotonic() - started > QUICK:
                self._fail(calls, error)
                return
            # A renewal that was committed, though nobody learnt of it, does no harm a second time.
            self._commit(calls, is_second=True)
        except Exception as error:
            _disconnect()
            if len(calls) == 1:
                logger.exception("a heartbeat could not be committed")
                self._fail(calls, error)
                return
            for call in calls:  # what is wrong with one is not to be the others' fault
                self._commit([call], is_second=is_second)

    def _renew(self, calls: Sequence[Call]) -> None:
        started = time.monotonic()
        renewals: list[Renewal] = []
        for call in calls:
            if call.places:
                renewals += [call.renewals[place] for place in call.places]
            else:
                renewals += call.renewals
        outcomes = leases.renew_many(renewals, waits=False)
        begin = 0
        for call in calls:
            if call.places:
                known = list(call.outcomes)
                for place in call.places:
                    known[place] = outcomes[begin]
                    begin += 1
                call.outcomes = known
            else:
                end = begin + len(call.renewals)
                call.outcomes = outcomes[begin:end]
                begin = end
        seconds_each = (time.monotonic() - started) / max(len(renewals), SMALL_BATCH)
        self._seconds_each += (seconds_each - self._seconds_each) / 8

    def _has_to_wait(self, call: Call, now: float) -> bool:
        """Put a call back of which a record is locked, unless that lasts too long."""
        locked = [p for p, one in enumerate(call.outcomes) if type(one) is LeaseLocked]
        if not locked:
            return False
        call.locked_until = call.locked_until or now + LOCK_PATIENCE
        if now >= call.locked_until:
            return False
        call.places = locked
        self._locked.append(call)
        return True

    def _fail(self, calls: Sequence[Call], error: Exception) -> None:
        for call in calls:
            call.outcomes = [error] * len(call.renewals)


def _disconnect() -> None:
    """Have the next batch connect anew; a transaction around it, as a test has, keeps its own."""
    if not connection.in_atomic_block:
        connection.close()
