"""Gunicorn's worker with threads, made so that a slow client costs no thread.

Gunicorn's own reads a request, and writes its answer, in one of its few threads: a handful of
clients that send a byte a second, or do not read what they asked for, take all of them for as long
as they like; and it waits up to two seconds in its event loop for each client to close. Here the
event loop reads each request to its end before a thread gets it, and sends what a client did not
take at once. Every wait has an end. Where too many connections are open, the one that has been
waited for the longest is closed for the next.

TLS ends before this server.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from registry_project.server.connections import Connection
from registry_project.server.framing import HeadTooLargeError

# Seconds from the first byte of a request to its last.
REQUEST_SECONDS = 10.0
# Seconds for the answer to get to the client.
ANSWER_SECONDS = 60.0
# Seconds for the client to close, which it is told to do; until then, what it sends is thrown away.
# Closed at once, the connection could take the end of the answer with it (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
# What clients did not take yet, of all answers together; beyond it, the oldest is given up.
MAX_UNSENT_BYTES = 64 * 1024 * 1024
# The same of what has come of requests that are not complete.
MAX_UNREAD_BYTES = 64 * 1024 * 1024
# So little of a request may come without all being counted: all connections have few of it.
FEW_BYTES = 16 * 1024
SECONDS_BETWEEN_LOOKS = 0.25
# The share of connections that may be kept for a next request.
KEPT = 0.75
TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
NOBODY_THERE = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Waits for clients in its event loop, and in its threads for nobody but the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Connections that something is awaited of: the one of the longest wait comes first.
        self._parked: dict[Connection, None] = {}
        self._next_look = 0.0
        self._keepalive = float(self.cfg.keepalive)
        self._lifeline: ThreadPoolExecutor

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("This worker speaks no TLS: let a proxy before it do that.")

    def init_process(self) -> None:
        # Whether the process lives is told without the threads, which may all wait for a database.
        self._lifeline = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        while self._parked and self.nr_conns >= self.worker_connections - 1:
            self._drop(next(iter(self._parked)))
        try:
            client_socket, client = listener.accept()
        except OSError as error:
            if error.errno in TOO_MANY_FILES:
                self._drop_oldest()
            elif error.errno not in NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client_socket, client, listener.getsockname())
        conn.on_read = partial(self._read, conn)
        self._await_request(conn)
        self._read(conn)  # it has often come already

    def enqueue_req(self, conn: Connection) -> None:
        pool = self._lifeline if conn.asks_for_life else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def handle(self, conn: Connection) -> bool:
        """Serve the request, in a thread; return whether another may follow."""
        keep = bool(super().handle(conn))
        return conn.send() and keep

    def handle_request(self, request: Any, conn: Connection) -> bool:
        if not self.may_keep(conn):
            request.force_close()
        return bool(super().handle_request(request, conn))

    def finish_request(self, conn: Connection, future: Future[bool]) -> None:
        try:
            keep = future.result()
        except BaseException:
            keep = False
            self.log.exception("Error handling request")
        self._go_on(conn, keep)

    def murder_keepalived(self, force: bool = False) -> None:
        """Give up what has been waited for long enough; gunicorn calls it after each event."""
        now = time.monotonic()
        if now < self._next_look and not force:
            return
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        for conn in list(self._parked):
            if force:
                self._drop(conn)
            elif conn.deadline <= now:
                self._expire(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Close by `deadline` what waits for a next request: the worker stops."""
        for conn in self._parked:
            if not conn.has_begun and not conn.sock.size:
                conn.deadline = min(conn.deadline, deadline)

    def take(self, conn: Connection, request: bytes) -> bool:  # noqa: ARG002
        """Answer a request without a thread; return whether it is one of which that can be done.

        Whoever does so sets the connection aside meanwhile, and gives it the answer later.
        """
        return False

    def set_aside(self, conn: Connection) -> None:
        """Wait for nothing on a connection whose answer is being made."""
        # It stays registered: mostly, nothing comes before its answer.
        del self._parked[conn]

    def give(self, conn: Connection, answer: bytes, *, keep: bool) -> None:
        """Send the answer to a connection that was set aside, and go on."""
        is_there = conn.send_now(answer)
        if keep and is_there and self.alive and not conn.sock.size and not conn.has_begun:
            # As nearly always: the shortest way to where `_go_on` leads.
            conn.wait_until(self._keepalive)
            self._park(conn, selectors.EVENT_READ, conn.on_read)
        else:
            self._go_on(conn, keep and is_there)

    def may_keep(self, conn: Connection) -> bool:
        """Whether a client may send another request on its connection."""
        crowd = self.worker_connections * KEPT
        return self.alive and not conn.is_last and len(self._parked) < crowd

    def _go_on(self, conn: Connection, keep: bool) -> None:
        """Go on after a request: with the rest of its answer, the next request, or the end."""
        if conn.sock.size:
            conn.wait_until(ANSWER_SECONDS)
            self._park(conn, selectors.EVENT_WRITE, partial(self._write, conn, keep))
            self._limit_unsent(conn)
        elif keep:
            # Also when the worker stops: the client was told that it may ask again.
            self._await_request(conn)
            if not self.alive and not conn.has_begun:
                conn.wait_until(LINGER_SECONDS)
            self._serve_next(conn)
        elif conn.end():
            conn.wait_until(LINGER_SECONDS)
            self._park(conn, selectors.EVENT_READ, partial(self._discard, conn))
        else:
            self._close(conn)

    def _await_request(self, conn: Connection) -> None:
        conn.wait_until(REQUEST_SECONDS if conn.has_begun else self._keepalive)
        self._park(conn, selectors.EVENT_READ, conn.on_read)

    def _read(self, conn: Connection) -> None:
        if not conn.has_begun:
            conn.wait_until(REQUEST_SECONDS)
        came = conn.read()
        if came == 0:
            self._drop(conn)
        elif came is None and not conn.has_begun:
            conn.wait_until(self._keepalive)
        else:
            self._limit_unread(conn)
            self._serve_next(conn)

    def _serve_next(self, conn: Connection) -> None:
        try:
            request = conn.next_request()
        except HeadTooLargeError:
            self._refuse(conn, 431, "Request Header Fields Too Large")
            return
        if request is not None and not self.take(conn, request):
            self._unpark(conn)
            conn.hand_over(request)
            self.enqueue_req(conn)

    def _write(self, conn: Connection, keep: bool) -> None:
        if not conn.send():
            self._drop(conn)
        elif not conn.sock.size:
            self._unpark(conn)
            self._go_on(conn, keep)

    def _discard(self, conn: Connection) -> None:
        if not conn.discard():
            self._drop(conn)

    def _expire(self, conn: Connection) -> None:
        if conn.has_begun and not conn.sock.size:
            self._refuse(conn, 408, "Request Timeout")
        else:
            self._drop(conn)

    def _refuse(self, conn: Connection, status: int, reason: str) -> None:
        self._unpark(conn)
        util.write_error(conn.sock, status, reason, "")
        conn.send()
        self._go_on(conn, keep=False)

    def _limit_unread(self, newest: Connection) -> None:
        if newest.unread > FEW_BYTES:
            self._limit(newest, MAX_UNREAD_BYTES, lambda conn: conn.unread)

    def _limit_unsent(self, newest: Connection) -> None:
        self._limit(newest, MAX_UNSENT_BYTES, lambda conn: conn.sock.size)

    def _limit(self, newest: Connection, most: int, size: Callable[[Connection], int]) -> None:
        """Drop the oldest connections that have something of a size, until it is `most` in all."""
        others = [conn for conn in self._parked if size(conn) and conn is not newest]
        together = sum(map(size, others)) + size(newest)
        for conn in others:
            if together <= most:
                break
            together -= size(conn)
            self._drop(conn)

    def _drop_oldest(self) -> None:
        if self._parked:
            self._drop(next(iter(self._parked)))
        else:
            time.sleep(0.05)  # all files are in use by requests that are being served

    def _park(self, conn: Connection, event: int, callback: Callable[[], None]) -> None:
        conn.on_event = callback
        self._parked[conn] = None
        if conn.polled_for != event:
            self._stop_polling(conn)
            conn.polled_for = event
            self.poller.register(conn.socket, event, partial(self._on_event, conn))

    def _on_event(self, conn: Connection, _socket: Any) -> None:
        if conn in self._parked:
            conn.on_event()
        else:
            # It was set aside and sends more; or it has made room for another since the event.
            self._stop_polling(conn)

    def _unpark(self, conn: Connection) -> None:
        del self._parked[conn]
        self._stop_polling(conn)

    def _stop_polling(self, conn: Connection) -> None:
        if conn.polled_for:
            conn.polled_for = 0
            self.poller.unregister(conn.socket)

    def _drop(self, conn: Connection) -> None:
        del self._parked[conn]
        self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._stop_polling(conn)
        self.nr_conns -= 1
        conn.close()
