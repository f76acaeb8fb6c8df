"""How many connections and bytes a process keeps; beyond that, the longest waiting is dropped."""

import errno
import socket
import time
from collections.abc import Callable
from typing import Any

from registry_project.server import limits
from registry_project.server.connections import Connection
from registry_project.server.event_loop import EventLoop
from registry_project.server.waiting import Waiting

TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
NOBODY_THERE = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}

RunInThread = Callable[[Callable[[], object]], None]


class Capacity:
    def __init__(self, loop: EventLoop, most: int, run_in_thread: RunInThread) -> None:
        self.count = 0
        self.waiting = Waiting(loop)
        self._loop = loop
        self._most = most
        self._most_waiting = most * limits.MAX_WAITING_SHARE
        self._run_in_thread = run_in_thread

    @property
    def has_room(self) -> bool:
        return self.count < self._most

    @property
    def is_crowded(self) -> bool:
        """Whether answers should close their connections."""
        return len(self.waiting) >= self._most_waiting

    def accept(self, listener: socket.socket, server: Any) -> Connection | None:
        """Accept a connection; `server` is the listener's address."""
        if self.count >= self._most - 1:
            self._drop_oldest()
        try:
            client_socket, client = listener.accept()
        except OSError as error:
            if error.errno in NOBODY_THERE:
                return None
            if error.errno not in TOO_MANY_FILES:
                raise
            if not self._drop_oldest():
                time.sleep(0.05)  # requests that are being served use all files
            return None
        self.count += 1
        return Connection(client_socket, client, server)

    def limit_unread(self, newest: Connection) -> None:
        self._limit(newest, limits.MAX_UNREAD_BYTES, lambda conn: conn.incoming.size)

    def limit_unsent(self, newest: Connection) -> None:
        self._limit(newest, limits.MAX_UNSENT_BYTES, lambda conn: conn.outgoing.size)

    def drop(self, conn: Connection) -> None:
        """Close a connection that waits for its client."""
        self.waiting.remove(conn)
        self.close(conn, reset=bool(conn.outgoing.size))

    def drop_all(self) -> None:
        for conn in self.waiting:
            self.drop(conn)

    def close(self, conn: Connection, *, reset: bool = False) -> None:
        self._loop.poll(conn, 0)
        self.count -= 1
        conn.close(reset=reset)
        if conn.exchange is not None:
            self._run_in_thread(conn.exchange.abandon)

    def _drop_oldest(self) -> bool:
        """Return whether there was one."""
        oldest = self.waiting.oldest()
        if oldest is not None:
            self.drop(oldest)
        return oldest is not None

    def _limit(self, newest: Connection, most: int, size: Callable[[Connection], int]) -> None:
        others = [conn for conn in self.waiting if size(conn) and conn is not newest]
        together = sum(map(size, others)) + size(newest)
        for conn in others:
            if together <= most:
                return
            together -= size(conn)
            self.drop(conn)
