"""One connection to a server, with one request at a time."""

import errno
import os
import select
import socket
import time
from collections.abc import Callable

from benchmarks.wire.polling import Poller
from benchmarks.wire.responses import UNKNOWN, UNTIL_CLOSED, response_length

CHUNK_BYTES = 256 * 1024
READ, WRITE = select.EPOLLIN, select.EPOLLOUT
CLOSED = "closed without a response"
CONNECTING = (0, errno.EINPROGRESS)

Address = tuple[str, int]
# Called with the whole response, or with None and the reason.
Ended = Callable[["Connection", bytes | None, str], None]


class Connection:
    """Sends the request given to `send`, and calls `ended` with the outcome.

    `idle_since`: by time.monotonic(). `responses`: the number of responses so far.
    """

    __slots__ = (
        "_ended",
        "_events",
        "_fd",
        "_length",
        "_poller",
        "_received",
        "_refused",
        "_rest",
        "_sock",
        "idle_since",
        "is_open",
        "responses",
    )

    def __init__(self, poller: Poller, address: Address, ended: Ended) -> None:
        self._poller = poller
        self._ended = ended
        self._received = b""
        self._length = UNKNOWN
        self._rest: bytes | memoryview = b""
        self.responses = 0
        self.idle_since = 0.0
        self.is_open = True
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Reported by `send`.
        self._refused = self._sock.connect_ex(address)
        self._fd = self._sock.fileno()
        self._events = READ
        poller.watch(self._fd, READ, self._handle)

    def send(self, request: bytes) -> None:
        """Send a request. `ended` may be called before this returns."""
        self._received = b""
        self._length = UNKNOWN
        self._rest = request
        if self._refused not in CONNECTING:
            self._fail(os.strerror(self._refused))
        else:
            self._send()

    def send_more(self, part: bytes) -> None:
        if self.is_open:
            self._rest = part
            self._send()

    def close(self) -> None:
        """Close it without calling `ended`."""
        if self.is_open:
            self.is_open = False
            self._poller.forget(self._fd)
            self._sock.close()

    def _send(self) -> None:
        try:
            sent = self._sock.send(self._rest)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail(error.strerror or type(error).__name__)
            return
        if sent == len(self._rest):
            self._rest = b""
            self._wait_for(READ)
        else:
            self._rest = memoryview(self._rest)[sent:]
            self._wait_for(READ | WRITE)

    def _wait_for(self, events: int) -> None:
        if events != self._events:
            self._events = events
            self._poller.change(self._fd, events)

    def _handle(self, events: int) -> None:
        if events & ~WRITE:
            self._receive()
        elif self._rest:
            self._send()

    def _receive(self) -> None:
        try:
            chunk = self._sock.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error.strerror or type(error).__name__)
            return
        if not chunk:
            if self._length == UNTIL_CLOSED:
                self._finish(self._received)
            else:
                self._fail("closed in the middle of a response" if self._received else CLOSED)
            return
        self._received = received = self._received + chunk if self._received else chunk
        if self._length == UNKNOWN:
            try:
                self._length = response_length(received)
            except ValueError:
                self._fail("not an HTTP response")
                return
        if 0 < self._length <= len(received):
            self._finish(received)

    def _finish(self, response: bytes) -> None:
        self.responses += 1
        self.idle_since = time.monotonic()
        self._ended(self, response, "")

    def _fail(self, why: str) -> None:
        self.close()
        self._ended(self, None, why)
