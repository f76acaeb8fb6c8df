"""A client's connection: its socket, what has arrived, and what is to be sent. It never blocks."""

import socket
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from registry_project.server.incoming import Incoming
from registry_project.server.outgoing import Outgoing

if TYPE_CHECKING:
    from registry_project.server.exchanges import Exchange

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
READ_BYTES = 16 * 1024
# Linger for zero seconds: close() resets the connection, and drops what the kernel has not sent.
RESET = struct.pack("ii", 1, 0)


class Connection:
    """One client. While a thread serves its request, the event loop does not touch it.

    `client` and `server` are the addresses of both ends. `deadline` (of the monotonic clock) is
    when the event loop gives up waiting for the client. `polled_for` is the event that the socket
    is polled for, and `on_ready` is called when it occurs.
    """

    __slots__ = (
        "client",
        "deadline",
        "exchange",
        "incoming",
        "keeps_open",
        "on_ready",
        "outgoing",
        "polled_for",
        "server",
        "socket",
    )

    def __init__(self, sock: socket.socket, client: Any, server: Any) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.client = client
        self.server = server
        self.incoming = Incoming()
        self.outgoing = Outgoing()
        # The request that is being served, until its answer is complete.
        self.exchange: Exchange | None = None
        # Whether another request may follow the answer that is being sent.
        self.keeps_open = False
        self.polled_for = 0
        self.on_ready: Callable[[Connection], None] = _ignore
        self.deadline = 0.0

    def ready(self) -> None:
        """Handle the event that the socket is polled for."""
        self.on_ready(self)

    def wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def expect_acknowledgements(self, seconds: float) -> None:
        """Have the kernel drop a client that acknowledges nothing for so long; Linux only.

        Otherwise it sends for a quarter of an hour to a client that vanished without closing.
        """
        if self.socket.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(seconds * 1000)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def read(self) -> int | None:
        """Read what has arrived. Return its size, 0 at the end, None if there is nothing yet."""
        try:
            data = self.socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return 0
        self.incoming.add(data)
        return len(data)

    def next_request(self) -> bytes | None:
        """Return the next request as soon as it is complete. Raise RefusedError."""
        request = self.incoming.next_request()
        if self.incoming.must_continue:
            self.incoming.must_continue = False
            self.outgoing.sendall(CONTINUE)
            self.send()
        return request

    def send(self) -> bool:
        """Send what the kernel takes at once. Return False if the client is gone."""
        try:
            self.outgoing.send_to(self.socket)
        except OSError:
            return False
        return True

    def send_at_once(self, answer: bytes) -> bool:
        """Send a complete, short answer with a single call. Return False if the client is gone."""
        if self.outgoing.size:
            self.outgoing.sendall(answer)
            return self.send()
        try:
            sent = self.socket.send(answer)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return False
        if sent < len(answer):
            self.outgoing.sendall(answer[sent:])
        return True

    def end(self) -> bool:
        """Shut down the sending side. Return False if the client is gone."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def discard(self) -> bool:
        """Discard what has arrived. Return False if the client has closed."""
        came = self.read()
        self.incoming.clear()
        return came != 0

    def close(self, *, reset: bool = False) -> None:
        """Close the connection. With `reset`, the client sees that the answer is incomplete."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


def _ignore(_conn: Connection) -> None:
    """Handle no event."""
