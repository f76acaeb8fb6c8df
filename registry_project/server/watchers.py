import time
from functools import partial
from typing import TYPE_CHECKING

from agents.event_streams import Closed, EventStream
from registry_project.server import limits
from registry_project.server.capacity import RunInThread
from registry_project.server.connections import Connection
from registry_project.server.event_loop import READ, WRITE, EventLoop

if TYPE_CHECKING:
    from registry_project.server.clients import Clients


class Watcher:
    """`stuck_since`: when the client last received anything, 0 if all is sent."""

    __slots__ = ("is_chunked", "stream", "stuck_since", "unsent")

    def __init__(self, stream: EventStream, *, is_chunked: bool) -> None:
        self.stream = stream
        self.is_chunked = is_chunked
        self.stuck_since = 0.0
        self.unsent = 0


class Watchers:
    def __init__(
        self, loop: EventLoop, clients: "Clients", run_in_thread: RunInThread, connections: int
    ) -> None:
        self._loop = loop
        self._clients = clients
        self._run_in_thread = run_in_thread
        self._watchers: dict[Connection, Watcher] = {}
        self._most = min(connections * limits.MAX_STREAMS_SHARE, limits.MAX_STREAMS)
        self._unsent = 0

    @property
    def has_room(self) -> bool:
        return len(self._watchers) < self._most

    def add(self, conn: Connection, stream: EventStream, *, is_chunked: bool) -> None:
        watcher = self._watchers[conn] = Watcher(stream, is_chunked=is_chunked)
        conn.incoming.clear()
        conn.expect_acknowledgements(limits.ACKNOWLEDGE_SECONDS)
        conn.on_ready = self._on_ready
        conn.wait(limits.SILENCE_SECONDS)
        self._put(conn, watcher, watcher.stream.comment)
        if self._flush(conn, watcher):
            stream.attach(partial(self._loop.call_soon, partial(self._send, conn)))

    def check_deadlines(self, now: float) -> None:
        for conn, watcher in list(self._watchers.items()):
            if watcher.stuck_since and now - watcher.stuck_since > limits.ANSWER_SECONDS:
                self._cut(conn, Closed.SLOW)
            elif conn.deadline <= now:
                conn.wait(limits.SILENCE_SECONDS)
                if not conn.outgoing.size:
                    self._put(conn, watcher, watcher.stream.comment)
                    self._flush(conn, watcher)

    def end_all(self) -> None:
        for conn, watcher in list(self._watchers.items()):
            self._put(conn, watcher, *watcher.stream.take())
            if not watcher.stream.over:
                self._put(conn, watcher, watcher.stream.farewell)
            self._end(conn, Closed.STOPPING)

    def _send(self, conn: Connection) -> None:
        watcher = self._watchers.get(conn)
        if watcher is None:
            return
        over = watcher.stream.over  # before `take`: no event is sent later
        if over is Closed.SLOW:
            self._cut(conn, over)
            return
        self._put(conn, watcher, *watcher.stream.take())
        if over:
            self._end(conn, over)
        else:
            conn.wait(limits.SILENCE_SECONDS)
            self._flush(conn, watcher)

    def _on_ready(self, conn: Connection) -> None:
        watcher = self._watchers[conn]
        if conn.outgoing.size and not self._flush(conn, watcher):
            return
        if not conn.discard():
            self._cut(conn, Closed.GONE)

    def _put(self, conn: Connection, watcher: Watcher, *events: bytes) -> None:
        for event in filter(None, events):
            conn.outgoing.sendall(
                b"%x\r\n%s\r\n" % (len(event), event) if watcher.is_chunked else event
            )

    def _flush(self, conn: Connection, watcher: Watcher) -> bool:
        before = conn.outgoing.size
        if not conn.send():
            self._cut(conn, Closed.GONE)
            return False
        unsent = conn.outgoing.size
        if not unsent:
            watcher.stuck_since = 0.0
        elif unsent < before or not watcher.stuck_since:
            watcher.stuck_since = time.monotonic()
        self._unsent += unsent - watcher.unsent
        watcher.unsent = unsent
        watcher.stream.has_taken(unsent)
        self._loop.poll(conn, READ | WRITE if unsent else READ)
        while self._unsent > limits.MAX_UNSENT_BYTES:
            self._cut_longest_stuck()
        return conn in self._watchers

    def _cut_longest_stuck(self) -> None:
        stuck = [conn for conn, watcher in self._watchers.items() if watcher.unsent]
        self._cut(min(stuck, key=lambda conn: self._watchers[conn].stuck_since), Closed.SLOW)

    def _end(self, conn: Connection, reason: Closed) -> None:
        watcher = self._forget(conn, reason)
        if watcher.is_chunked:
            conn.outgoing.sendall(b"0\r\n\r\n")
        conn.send()
        self._clients.answered(conn, keep=False)

    def _cut(self, conn: Connection, reason: Closed) -> None:
        self._forget(conn, reason)
        self._clients.capacity.close(conn, reset=True)

    def _forget(self, conn: Connection, reason: Closed) -> Watcher:
        watcher = self._watchers.pop(conn)
        self._unsent -= watcher.unsent
        if report := watcher.stream.close(reason):
            self._run_in_thread(report)
        return watcher
