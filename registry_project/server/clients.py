"""Decides what happens next on each connection. Called in the event loop: nothing may block.

A connection waits for its client, has an `Exchange`, waits for the fast path, or carries an event
stream.
"""

import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from registry_project.server import limits
from registry_project.server.capacity import Capacity
from registry_project.server.connections import Connection
from registry_project.server.event_loop import READ
from registry_project.server.exchanges import Exchange, Next
from registry_project.server.gunicorn_parts import write_error
from registry_project.server.incoming import RefusedError
from registry_project.server.places import connection_places
from registry_project.server.refusals import Refusal
from registry_project.server.watchers import Watchers

if TYPE_CHECKING:
    from registry_project.server.worker import Worker


class Clients:
    def __init__(self, worker: "Worker") -> None:
        most = connection_places(worker.cfg.worker_connections, worker.cfg.workers, worker.log)
        self.capacity = Capacity(worker.loop, most, worker.run_in_thread)
        self._loop = worker.loop
        self._worker = worker
        self._waiting = self.capacity.waiting
        self.watchers = Watchers(worker.loop, self, worker.run_in_thread, most)
        self._idle_seconds = float(worker.cfg.keepalive)
        self._next_check = 0.0

    def accept(self, listener: socket.socket, server: Any) -> bool:
        if (conn := self.capacity.accept(listener, server)) is None:
            return False
        self._waiting.add(conn, self._idle_seconds, 0, self._read)
        self._read(conn)
        if conn in self._waiting and not conn.polled_for:
            self._loop.poll(conn, READ)
        return self.capacity.has_room

    def check_deadlines(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + limits.CHECK_SECONDS
        for conn in self._waiting.expired(now):
            if conn in self._waiting:
                self._expire(conn)
        self.watchers.check_deadlines(now)

    def stop(self) -> None:
        for conn in self._waiting:
            if not conn.incoming.has_begun and not conn.outgoing.size:
                self._waiting.restart(conn, limits.LINGER_SECONDS)
        self.watchers.end_all()

    def go_on(self, conn: Connection, outcome: Next) -> None:
        exchange = conn.exchange
        if outcome is Next.RESUME:
            self.capacity.await_reading(conn, self._write_more)
            return
        conn.exchange = None
        if outcome is Next.STREAM and exchange and exchange.stream:
            self.watchers.add(conn, exchange.stream, is_chunked=exchange.is_chunked)
            if not self._worker.alive:
                self.watchers.end_all()
        elif outcome is Next.CUT:
            self.capacity.close(conn, reset=True)
        else:
            self.answered(conn, keep=outcome is Next.REQUEST)

    def may_keep(self, conn: Connection) -> bool:
        conn.offers_to_keep = (
            self._worker.alive
            and self._idle_seconds > 0
            and not conn.incoming.is_last
            and not self.capacity.is_crowded
        )
        return conn.offers_to_keep

    def set_aside(self, conn: Connection) -> None:
        self._waiting.set_aside(conn)

    def hand_over(self, conn: Connection, request: bytes, environ: Mapping[str, Any]) -> None:
        self._loop.poll(conn, 0)
        conn.may_be_held = False
        self._serve(conn, request, environ)

    def _serve(
        self, conn: Connection, request: bytes, environ: Mapping[str, Any] | None = None
    ) -> None:
        exchange = Exchange(
            self._worker, conn, request, may_keep=self.may_keep(conn), environ=environ
        )
        conn.exchange = exchange
        self._worker.serve(conn, exchange)

    def give(self, conn: Connection, answer: bytes, *, keep: bool) -> None:
        is_there = conn.send_at_once(answer)
        is_done = not conn.outgoing.size and not conn.incoming.has_begun
        if not keep and conn.offers_to_keep and is_done:
            self.capacity.close(conn)  # the client wants it closed
            return
        if keep and not conn.may_be_held:
            self._loop.poll(conn, 0)
            conn.may_be_held = True
        self.answered(conn, keep=is_there and keep)

    def answered(self, conn: Connection, *, keep: bool) -> None:
        conn.keeps_open = keep
        if conn.outgoing.size:
            self.capacity.await_reading(conn, self._write)
        elif keep:
            # Even if the process stops: the answer has promised it.
            seconds = self._idle_seconds if self._worker.alive else limits.LINGER_SECONDS
            self._waiting.add(conn, seconds, READ, self._read)
            self._serve_next(conn)
        elif conn.end():
            conn.incoming.clear()
            self._waiting.add(conn, limits.LINGER_SECONDS, READ, self._discard)
        else:
            self.capacity.close(conn)

    def _read(self, conn: Connection) -> None:
        received = conn.receive()
        if received is None:
            return
        if not received:
            self.capacity.drop(conn)
            return
        if not conn.incoming.has_begun and self._worker.take(conn, received):
            return
        conn.incoming.add(received)
        self._serve_next(conn, judged=received)

    def _serve_next(self, conn: Connection, judged: bytes = b"") -> None:
        """`judged`: what the fast path has refused."""
        try:
            request = conn.next_request()
        except RefusedError as refused:
            self._refuse(conn, refused.status, refused.reason)
            return
        if request is None:
            if conn.incoming.has_begun and self.capacity.keep_unread(conn):
                self._waiting.restart(conn, limits.REQUEST_SECONDS)
            return
        self.capacity.has_read(conn)
        if request == judged or not self._worker.take(conn, request):
            self.capacity.release(conn)
            conn.may_be_held = False
            self._serve(conn, request)

    def _write(self, conn: Connection) -> None:
        if not conn.send():
            self.capacity.drop(conn)
        elif conn.outgoing.size:
            self.capacity.keep_unsent(conn)
        else:
            self.capacity.release(conn)
            self.answered(conn, keep=conn.keeps_open)

    def _write_more(self, conn: Connection) -> None:
        if not conn.send():
            self.capacity.drop(conn)
        elif conn.outgoing.size > limits.RESUME_BYTES or not conn.exchange:
            self.capacity.keep_unsent(conn)
        else:
            self.capacity.release(conn)
            self._worker.serve(conn, conn.exchange)

    def _discard(self, conn: Connection) -> None:
        if not conn.discard():
            self.capacity.drop(conn)

    def _expire(self, conn: Connection) -> None:
        if conn.incoming.has_begun and not conn.outgoing.size:
            self._refuse(conn, 408, "Request Timeout")
        else:
            self.capacity.drop(conn)

    def _refuse(self, conn: Connection, status: int, reason: str) -> None:
        self.capacity.release(conn)
        write_error(Refusal(conn.outgoing, conn.incoming.head), status, reason, "")
        conn.send()
        self.answered(conn, keep=False)
