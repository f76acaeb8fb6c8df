"""A pool of keep-alive connections, like that of a proxy."""

import errno
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.wire.connection import CLOSED, Address, Connection
from benchmarks.wire.polling import Poller
from benchmarks.wire.responses import says_close, status_of

# Seconds; servers may close connections that are idle for longer.
MAX_IDLE = 4.0
MAX_WAIT = 30.0
SECONDS_BETWEEN_LOOKS = 1.0
CLOSED_BY_SERVER = {CLOSED, os.strerror(errno.ECONNRESET), os.strerror(errno.EPIPE)}


@dataclass(slots=True)
class Response:
    """The outcome of a request. `status` 0: there was no response, for the reason in `failure`.

    `sent` and `received`: when it was sent and completely received, by time.monotonic().
    """

    status: int
    content: bytes
    sent: float
    received: float
    failure: str = ""


Done = Callable[[Response], None]


@dataclass(slots=True)
class _Call:
    request: bytes
    done: Done
    made: float
    sent: float = 0.0


class Pool:
    """Sends requests over at most `most` connections; others wait in a queue.

    If the server closes a connection just as it is used again, the request is repeated on a new
    one, as proxies do (RFC 9112, 9.3.1). `repeated` counts these. A request fails without a
    response within `max_wait` seconds, including those in the queue.
    """

    def __init__(
        self, poller: Poller, address: Address, most: int, max_wait: float = MAX_WAIT
    ) -> None:
        self._poller = poller
        self._address = address
        self._most = most
        self._max_wait = max_wait
        self._idle: list[Connection] = []
        self._waiting: deque[_Call] = deque()
        self._calls: dict[Connection, _Call] = {}
        self.repeated = 0
        poller.after(SECONDS_BETWEEN_LOOKS, self._look)

    @property
    def outstanding(self) -> int:
        return len(self._calls) + len(self._waiting)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def send(self, request: bytes, done: Done) -> None:
        call = _Call(request, done, time.monotonic())
        if self._idle or len(self._calls) < self._most:
            self._send(call)
        else:
            self._waiting.append(call)

    def close(self) -> None:
        for connection in [*self._idle, *self._calls]:
            connection.close()

    def _send(self, call: _Call) -> None:
        now = time.monotonic()
        call.sent = now
        connection = self._take(now)
        self._calls[connection] = call
        connection.send(call.request)

    def _take(self, now: float) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now - connection.idle_since < MAX_IDLE:
                return connection
            connection.close()
        return Connection(self._poller, self._address, self._ended)

    def _ended(self, connection: Connection, content: bytes | None, why: str) -> None:
        call = self._calls.pop(connection, None)
        if call is None:
            return  # the server closed an idle connection
        if content is None:
            if connection.responses and why in CLOSED_BY_SERVER:
                self.repeated += 1
                self._calls_again(call)
                return
            response = Response(0, b"", call.sent, time.monotonic(), why)
        else:
            if says_close(content):
                connection.close()
            else:
                self._idle.append(connection)
            response = Response(status_of(content), content, call.sent, connection.idle_since)
        if self._waiting:
            self._send(self._waiting.popleft())
        call.done(response)

    def _calls_again(self, call: _Call) -> None:
        now = time.monotonic()
        call.sent = now
        connection = Connection(self._poller, self._address, self._ended)
        self._calls[connection] = call
        connection.send(call.request)

    def _look(self) -> None:
        oldest = time.monotonic() - self._max_wait
        why = f"no response in {self._max_wait:g} s"
        while self._waiting and self._waiting[0].made < oldest:
            call = self._waiting.popleft()
            call.done(Response(0, b"", call.made, time.monotonic(), why))
        late = [connection for connection, call in self._calls.items() if call.made < oldest]
        for connection in late:
            connection.close()
            self._ended(connection, None, why)
        self._poller.after(SECONDS_BETWEEN_LOOKS, self._look)
