import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from registry_project.server.clients import Clients
from registry_project.server.connections import Connection
from registry_project.server.event_loop import READ, EventLoop
from registry_project.server.exchanges import Exchange, Next
from registry_project.server.gunicorn_parts import GunicornWorker

# Between calls of `notify`, without which gunicorn's master kills the process.
TURN_SECONDS = 1.0
# After all of it, gunicorn's master kills the process, which resets nothing.
GRACEFUL_SHARE = 0.8
# In one turn, to leave some to other processes.
MOST_AT_ONCE = 32


class Listener:
    """`accept` returns whether there may be more."""

    def __init__(self, sock: socket.socket, accept: Callable[[socket.socket, Any], bool]) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.polled_for = 0
        self.may_be_held = True
        self._accept = accept
        self._address = sock.getsockname()

    def ready(self) -> None:
        for _ in range(MOST_AT_ONCE):
            if not self._accept(self.socket, self._address):
                return


class Worker(GunicornWorker):  # type: ignore[misc]  # gunicorn has no types
    alive: bool

    @classmethod
    def check_config(cls, cfg: Any, _log: Any) -> None:
        if cfg.is_ssl:
            raise RuntimeError("This worker speaks no TLS: let a proxy in front of it do that.")

    def init_process(self) -> None:
        self._threads = ThreadPoolExecutor(self.cfg.threads)
        # For liveness checks while all threads are busy.
        self._lifeline = ThreadPoolExecutor(1)
        self.loop = EventLoop()
        self.clients = Clients(self)
        self._served: set[Connection] = set()
        super().init_process()

    def run(self) -> None:
        self._listeners = [Listener(sock, self.clients.accept) for sock in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self._listen(on=self.clients.capacity.has_room)
            self.turn(TURN_SECONDS)
        self.alive = False
        self._listen(on=False)
        self.clients.stop()
        until = time.monotonic() + self.cfg.graceful_timeout * GRACEFUL_SHARE
        while self.clients.capacity.count and (left := until - time.monotonic()) > 0:
            self.notify()
            self.turn(min(left, TURN_SECONDS))
        self.clients.capacity.drop_all()
        for conn in self._served:
            conn.reset_when_closed()
        self._threads.shutdown(wait=False)

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        self.loop.call_soon(_wake)

    def handle_quit(self, sig: int, frame: Any) -> None:
        self._threads.shutdown(wait=False)
        super().handle_quit(sig, frame)

    def turn(self, seconds: float) -> None:
        self.loop.turn(seconds)
        self.clients.check_deadlines()

    def take(self, conn: Connection, request: bytes) -> bool:  # noqa: ARG002
        """Return False for a thread; else `set_aside`, and `give` later."""
        return False

    def serve(self, conn: Connection, exchange: Exchange) -> None:
        self._served.add(conn)
        threads = self._lifeline if exchange.is_liveness_check else self._threads
        threads.submit(self._advance, conn, exchange)

    def _go_on(self, conn: Connection, outcome: Next) -> None:
        self._served.discard(conn)
        self.clients.go_on(conn, outcome)

    def run_in_thread(self, call: Callable[[], object]) -> None:
        self._threads.submit(self._run_logged, call)

    def _listen(self, *, on: bool) -> None:
        for listener in self._listeners:
            self.loop.poll(listener, READ if on else 0)

    def count_request(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Restarting after %s requests", self.nr)
            self.alive = False
            self.loop.call_soon(_wake)

    def _advance(self, conn: Connection, exchange: Exchange) -> None:
        outcome = Next.CUT
        try:
            outcome = exchange.advance()
        except BaseException:
            self.log.exception("A request could not be served")
        self.loop.call_soon(partial(self._go_on, conn, outcome))

    def _run_logged(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception:
            self.log.exception("A call failed in a thread")


def _wake() -> None:
    pass
