import gc
import math
import time
from functools import partial
from typing import Any

from agents.fast_path.outcomes import HandOver, Response
from registry_project.security.proxies import Trust
from registry_project.server.connections import Connection
from registry_project.server.worker import Worker

GATHERING_SECONDS = 0.01


class RegistryWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from agents.fast_path.front import Front  # noqa: PLC0415
        from agents.heartbeats.fast_path import FastPath as Heartbeats  # noqa: PLC0415
        from agents.registrations.fast_path import FastPath as Registrations  # noqa: PLC0415

        front = Front(Trust().client_of)
        self._has_more = False
        self._commit_at = 0.0
        self._fast_paths: list[Any] = []
        kinds: tuple[Any, ...] = (Heartbeats, Registrations)
        for kind in kinds:
            commits = kind.group_commit(partial(self._in_loop, len(self._fast_paths)))
            self._fast_paths.append(kind(commits, front))
            commits.start()
        # A full collection would stop the event loop for tens of milliseconds.
        gc.collect()
        gc.freeze()

    def take(self, conn: Connection, request: bytes) -> bool:
        peer = conn.client[0] if isinstance(conn.client, tuple) else ""
        may_keep_open = self.clients.may_keep(conn)
        try:
            taken: bool | Response = False
            for fast_path in self._fast_paths:
                taken = fast_path.take(request, peer, conn, may_keep_open=may_keep_open)
                if taken is not False:
                    break
        except Exception:
            self.log.exception("The fast path cannot judge a request")
            return False
        if taken is False:
            return False
        self._has_more = True
        self.clients.set_aside(conn)
        if taken is not True:
            # Later: pipelined requests would nest, and delay all others.
            give = partial(self.clients.give, conn, taken.content, keep=taken.keeps_open)
            self.loop.call_soon(give)
        return True

    def turn(self, seconds: float) -> None:
        left = self._commit_at - time.monotonic()
        if left > 0:
            # Wake-ups are most of what heartbeats cost, so requests stay in their sockets.
            self.loop.turn(min(seconds, left), holds=True)
            if time.monotonic() < self._commit_at:
                return
        super().turn(0.0 if self._commit_at else seconds)
        # A busy machine makes a third fewer commits.
        until = time.monotonic() + GATHERING_SECONDS
        while self._has_more and time.monotonic() < until:
            self._has_more = False
            self.loop.turn(0)
        wait = min(fast_path.flush() for fast_path in self._fast_paths)
        self._commit_at = 0.0 if wait == math.inf else time.monotonic() + wait

    def _in_loop(self, number: int, calls: list[Any]) -> None:
        self.loop.call_soon(partial(self._deliver, number, calls))

    def _deliver(self, number: int, calls: list[Any]) -> None:
        self._has_more = True
        for outcome in self._fast_paths[number].responses(calls):
            if isinstance(outcome, HandOver):
                self.clients.hand_over(outcome.caller, outcome.request, outcome.environ)
            else:
                self.clients.give(outcome.caller, outcome.content, keep=outcome.keeps_open)
