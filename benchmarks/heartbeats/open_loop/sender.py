"""An open-loop load generator: it sends on schedule, whether responses have arrived or not."""

import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.heartbeats.load import Target
from benchmarks.wire.connection import Connection
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import CLOSED_BY_SERVER, Response
from benchmarks.wire.responses import says_close, status_of

# Seconds after which a response is late; so long the sender waits for the last one.
PATIENCE = 1.0


@dataclass
class OpenLoad:
    """What became of the heartbeats that were due.

    `late` counts those of the `right` responses that arrived PATIENCE after they were due;
    `unanswered` the heartbeats without a response at the end. `latencies`: seconds from when a
    heartbeat was due until its response. `delays`: seconds from when it was due until the sender
    turned to it. `own_cpu`: the sender's CPU seconds.
    """

    due: int
    right: int = 0
    late: int = 0
    unanswered: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    delays: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: float = 0.0
    own_cpu: float = 0.0


@dataclass(slots=True)
class _Heartbeat:
    due: float
    request: bytes


class Sender:
    """Sends heartbeats over `connections`, each the next in turn, like a proxy's.

    If `fresh`, each heartbeat opens a connection of its own, and `connections` limits how many
    are open at once. Heartbeats without a connection wait for one; their latencies include that.
    """

    def __init__(self, target: Target, connections: int, *, fresh: bool) -> None:
        self._target = target
        self._requests = target.in_turn()
        self._most = connections
        self._fresh = fresh
        self._poller = Poller()
        self._idle: deque[Connection] = deque()
        self._busy: dict[Connection, _Heartbeat] = {}
        self._waiting: deque[_Heartbeat] = deque()
        self._load = OpenLoad(0)

    def run(self, due_times: Sequence[float]) -> OpenLoad:
        """Send a heartbeat at each of the times, in seconds from now."""
        load = self._load = OpenLoad(len(due_times))
        own_cpu = time.process_time()
        began = time.monotonic()
        self._send_all(began, due_times, load.delays)
        end = time.monotonic() + PATIENCE
        while (self._busy or self._waiting) and time.monotonic() < end:
            self._poller.turn_until(end)
        load.seconds = time.monotonic() - began
        load.own_cpu = time.process_time() - own_cpu
        self._give_up()
        return load

    def close(self) -> None:
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._poller.close()

    def _send_all(self, began: float, due_times: Sequence[float], delays: "array[float]") -> None:
        requests = self._requests
        for due_time in due_times:
            due = began + due_time
            while (delay := time.monotonic() - due) < 0:
                self._poller.turn_until(due)
            delays.append(delay)
            self._send(_Heartbeat(due, next(requests)))
            if delay > PATIENCE / 100:  # read responses even when behind
                self._poller.turn_until(due)

    def _send(self, heartbeat: _Heartbeat) -> None:
        if len(self._idle) + len(self._busy) < self._most:
            connection = Connection(self._poller, self._target.address, self._ended)
        elif self._idle:
            connection = self._idle.popleft()
        else:
            self._waiting.append(heartbeat)
            return
        self._busy[connection] = heartbeat
        connection.send(heartbeat.request)

    def _ended(self, connection: Connection, content: bytes | None, why: str) -> None:
        heartbeat = self._busy.pop(connection, None)
        if heartbeat is None:  # the server closed an idle connection
            self._idle.remove(connection)
            return
        if content is None:
            if connection.responses and why in CLOSED_BY_SERVER:
                # Closed just as it was used again. Clients repeat it (RFC 9112, 9.3.1).
                self._send(heartbeat)
                return
            self._load.wrong[why] += 1
        else:
            self._count(content, heartbeat.due)
            if self._fresh or says_close(content):
                connection.close()
            else:
                self._idle.append(connection)
        if self._waiting:
            self._send(self._waiting.popleft())

    def _count(self, content: bytes, due: float) -> None:
        load, target = self._load, self._target
        received = time.monotonic()
        response = Response(status_of(content), content, due, received)
        if not target.is_right(response):
            load.wrong[target.description(response)] += 1
            return
        load.right += 1
        load.latencies.append(received - due)
        load.late += received - due > PATIENCE

    def _give_up(self) -> None:
        self._load.unanswered = len(self._busy) + len(self._waiting)
        for connection in self._busy:
            connection.close()
        self._busy.clear()
        self._waiting.clear()


@contextmanager
def sender(target: Target, connections: int, *, fresh: bool) -> Iterator[Sender]:
    one = Sender(target, connections, fresh=fresh)
    try:
        yield one
    finally:
        one.close()
