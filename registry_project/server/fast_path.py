"""The worker that answers heartbeats in the event loop, and everything else in threads."""

import gc
import time
from functools import partial
from typing import TYPE_CHECKING

from registry_project.security.proxies import Trust
from registry_project.server.connections import Connection
from registry_project.server.worker import Worker

if TYPE_CHECKING:
    from agents.heartbeats.calls import Call

# Seconds in which heartbeats are gathered for one commit, while there are more.
LONGEST_GATHERING = 0.01


class RegistryWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        # Now that the application has set up Django.
        from agents.heartbeats.fast_path import FastPath  # noqa: PLC0415
        from agents.heartbeats.group_commit import GroupCommit  # noqa: PLC0415

        commits = GroupCommit(lambda calls: self.loop.call_soon(partial(self._deliver, calls)))
        self._has_more = False
        self._fast_path = FastPath(commits, Trust().client_of)
        commits.start()
        # Searching all of Django for garbage would stop the event loop for tens of milliseconds.
        gc.collect()
        gc.freeze()

    def take(self, conn: Connection, request: bytes) -> bool:
        peer = conn.client[0] if isinstance(conn.client, tuple) else ""
        try:
            taken = self._fast_path.take(
                request, peer, conn, may_keep_open=self.clients.may_keep(conn)
            )
        except Exception:
            # A bug must not stop the event loop. Django may do better.
            self.log.exception("The fast path cannot judge a request")
            return False
        if taken is False:
            return False
        self._has_more = True
        self.clients.set_aside(conn)
        if taken is not True:
            # Not from here: a client's pipelined requests would nest, and come before all others.
            give = partial(self.clients.give, conn, taken.content, keep=taken.keeps_open)
            self.loop.call_soon(give)
        return True

    def turn(self, seconds: float) -> None:
        super().turn(seconds)
        # Take what has arrived since: on a busy machine, this saves a third of the commits.
        until = time.monotonic() + LONGEST_GATHERING
        while self._has_more and time.monotonic() < until:
            self._has_more = False
            self.loop.turn(0)
        self._fast_path.flush()

    def _deliver(self, calls: "list[Call]") -> None:
        self._has_more = True  # clients that are answered may send another
        for conn, content, keeps_open in self._fast_path.responses(calls):
            self.clients.give(conn, content, keep=keeps_open)
