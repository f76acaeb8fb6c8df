"""A client's connection as the web server's event loop keeps it: nothing in it ever waits."""

import socket
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from gunicorn import http

from registry_project.server.framing import Unfinished, frame

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
READ_BYTES = 16 * 1024
# In one call of the kernel, which takes 1,024.
MOST_CHUNKS = 64


class Outbox:
    """What gunicorn takes for the socket while it writes an answer: it takes all of it at once."""

    def __init__(self) -> None:
        self._chunks: deque[memoryview] = deque()
        self.size = 0

    def sendall(self, data: bytes) -> None:
        """Keep it for `pass_on`."""
        if data:
            self._chunks.append(memoryview(data))
            self.size += len(data)

    def send(self, data: bytes) -> int:
        """Gunicorn's "100 Continue": it was sent when the head of the request had come."""
        return len(data)

    def pass_on(self, sock: socket.socket) -> None:
        """Send what the kernel takes at this moment. Raise OSError when the client is gone."""
        while self._chunks:
            try:
                sent = sock.sendmsg(islice(self._chunks, MOST_CHUNKS))
            except (BlockingIOError, InterruptedError):
                return
            self.size -= sent
            while self._chunks and sent >= len(self._chunks[0]):
                sent -= len(self._chunks.popleft())
            if sent:
                self._chunks[0] = self._chunks[0][sent:]

    def setblocking(self, _blocking: bool) -> None:
        """A socket's, of no meaning here."""

    def gettimeout(self) -> float:
        return 0.0

    def shutdown(self, _how: int) -> None:
        """Gunicorn closes what it could not write to the end: the event loop does that."""
        raise OSError


class Connection:
    """One client. The thread that serves its request has it alone meanwhile.

    `deadline` is when the event loop gives up what it waits for, by the monotonic clock.
    """

    # What gunicorn's handling of a request asks for: there is no TLS to shake hands for, no
    # HTTP/2, and the request has come as a whole.
    initialized = True
    data_ready = True
    is_http2 = False

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        self.socket = sock
        self.client = client
        self.server = server
        self.sock = Outbox()
        self.parser: Any = None
        # What the event loop does when what it waits for has come, and for what it polls.
        self.on_event: Callable[[], None] = _nothing
        self.on_read: Callable[[], None] = _nothing
        self.polled_for = 0
        self.deadline = 0.0
        self.is_last = False
        self.asks_for_life = False
        self._cfg = cfg
        self._received = bytearray()
        self._searched = self._needed = 0
        self._told_to_continue = False
        sock.setblocking(False)

    def init(self) -> None:
        """Gunicorn's handshakes, of which there are none."""

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request has come."""
        return bool(self._received)

    @property
    def unread(self) -> int:
        """How many bytes have come that are not served yet."""
        return len(self._received)

    def read(self) -> int | None:
        """Take in what has come; return how much, 0 at its end, None when there is nothing."""
        try:
            data = self.socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return 0
        self._received += data
        return len(data)

    def next_request(self) -> bytes | None:
        """Return the next request, as soon as it is complete. Raise HeadTooLargeError."""
        if not self._received or len(self._received) < self._needed:
            return None
        found = frame(self._received, self._searched)
        if isinstance(found, Unfinished):
            self._searched, self._needed = found.searched, found.needed
            if found.wants_continue and not self._told_to_continue:
                self._told_to_continue = True
                self.sock.sendall(CONTINUE)
                self.send()
            return None
        request = bytes(self._received[: found.size])
        del self._received[: found.size]
        self._searched = self._needed = 0
        self._told_to_continue = False
        self.is_last = found.is_last
        return request

    def hand_over(self, request: bytes) -> None:
        """Make a request ready for the thread that will serve it."""
        self.asks_for_life = request.startswith((b"GET /health/live ", b"GET /health/live/ "))
        self.parser = http.get_parser(self._cfg, [request], self.client)

    def send(self) -> bool:
        """Send what the client takes at this moment; return False when it is gone."""
        try:
            self.sock.pass_on(self.socket)
        except OSError:
            return False
        return True

    def send_now(self, answer: bytes) -> bool:
        """Send an answer that comes as a whole; return False when the client is gone."""
        if self.sock.size:
            self.sock.sendall(answer)
            return self.send()
        try:
            sent = self.socket.send(answer)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return False
        if sent < len(answer):
            self.sock.sendall(answer[sent:])
        return True

    def end(self) -> bool:
        """Tell the client that no more comes; return False when it is gone."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def discard(self) -> bool:
        """Throw away what has come; return False at its end."""
        self._received.clear()
        return self.read() != 0

    def close(self) -> None:
        self.socket.close()

    def wait_until(self, seconds: float) -> None:
        """Give up in so many seconds."""
        self.deadline = time.monotonic() + seconds


def _nothing() -> None:
    """Nothing is waited for yet."""
