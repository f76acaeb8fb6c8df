"""A client's connection. Nothing in it ever waits."""

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
# On, for zero seconds: close() resets the connection, and drops what the kernel has of it.
RESET = struct.pack("ii", 1, 0)


class Connection:
    """One client. It belongs to the event loop, but while a thread serves its request.

    `client` and `server` are the addresses of the two ends. `deadline`, by the monotonic clock, is
    when the event loop stops to wait for what it waits for. `polled_for` is what the event loop
    polls its socket for, and `on_ready` what it does then.
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
        # The request that is served; also while its client has to take a part of the answer.
        self.exchange: Exchange | None = None
        # Whether another request may follow when the answer has been sent.
        self.keeps_open = False
        self.polled_for = 0
        self.on_ready: Callable[[Connection], None] = _ignore
        self.deadline = 0.0

    def ready(self) -> None:
        """Do what is to be done when the socket is ready for what it is polled for."""
        self.on_ready(self)

    def wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def read(self) -> int | None:
        """Take in what has arrived; return how much, 0 at its end, None when there is nothing."""
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
        """Send what the client takes at this moment; return False when it is gone."""
        try:
            self.outgoing.send_to(self.socket)
        except OSError:
            return False
        return True

    def send_at_once(self, answer: bytes) -> bool:
        """Send a whole answer, of which the client mostly takes all; return False if it is gone."""
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
        """Tell the client that no more comes; return False when it is gone."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def discard(self) -> bool:
        """Throw away what has arrived; return False at its end."""
        came = self.read()
        self.incoming.clear()
        return came != 0

    def close(self, *, reset: bool = False) -> None:
        """Close it; with `reset`, so that the client cannot take the answer for a whole one."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


def _ignore(_conn: Connection) -> None:
    """Nothing is waited for yet."""
