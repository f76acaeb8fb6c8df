"""Limits the connections and bytes of a process. Those that wait longest are dropped."""

import errno
import socket
import time
from collections.abc import Callable
from typing import Any

from registry_project.server import limits
from registry_project.server.backlog import Backlog
from registry_project.server.connections import Connection
from registry_project.server.event_loop import WRITE, EventLoop
from registry_project.server.waiting import Waiting

TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
NOBODY_THERE = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}

RunInThread = Callable[[Callable[[], object]], None]


class Capacity:
    def __init__(self, loop: EventLoop, most: int, run_in_thread: RunInThread) -> None:
        self.count = 0
        self.waiting = Waiting(loop)
        self._unread = Backlog(limits.MAX_UNREAD_BYTES)
        self._unsent = Backlog(limits.MAX_UNSENT_BYTES)
        self._loop = loop
        self._most = most
        self._most_waiting = most * limits.MAX_WAITING_SHARE
        self._run_in_thread = run_in_thread

    @property
    def has_room(self) -> bool:
        return self.count < self._most

    @property
    def is_crowded(self) -> bool:
        return len(self.waiting) >= self._most_waiting

    def accept(self, listener: socket.socket, server: Any) -> Connection | None:
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
                time.sleep(0.05)
            return None
        self.count += 1
        return Connection(client_socket, client, server)

    def keep_unread(self, conn: Connection) -> bool:
        is_new = self._unread.put(conn, conn.incoming.size)
        self._drop_excess(self._unread, conn)
        return is_new

    def has_read(self, conn: Connection) -> None:
        self._unread.remove(conn)

    def await_reading(self, conn: Connection, on_ready: Callable[[Connection], None]) -> None:
        self.waiting.add(conn, limits.ANSWER_SECONDS, WRITE, on_ready)
        self.keep_unsent(conn)

    def keep_unsent(self, conn: Connection) -> None:
        self._unsent.put(conn, conn.outgoing.size)
        self._drop_excess(self._unsent, conn)

    def release(self, conn: Connection) -> None:
        self.waiting.remove(conn)
        self._unread.remove(conn)
        self._unsent.remove(conn)

    def drop(self, conn: Connection) -> None:
        self.release(conn)
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
        oldest = self.waiting.oldest()
        if oldest is not None:
            self.drop(oldest)
        return oldest is not None

    def _drop_excess(self, backlog: Backlog, newest: Connection) -> None:
        while (conn := backlog.excess(newest)) is not None:
            self.drop(conn)
