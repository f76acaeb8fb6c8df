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
RESET = struct.pack("ii", 1, 0)


class Connection:
    """Nothing here blocks. The event loop leaves it alone while a thread serves its request.

    `deadline`: monotonic. `queue`: where it waits.
    """

    __slots__ = (
        "client",
        "deadline",
        "exchange",
        "incoming",
        "keeps_open",
        "may_be_held",
        "offers_to_keep",
        "on_ready",
        "outgoing",
        "polled_for",
        "queue",
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
        self.exchange: Exchange | None = None
        self.keeps_open = False
        self.offers_to_keep = False
        self.polled_for = 0
        self.may_be_held = False
        self.on_ready: Callable[[Connection], None]
        self.deadline = 0.0
        self.queue: dict[Connection, None] | None = None

    def ready(self) -> None:
        self.on_ready(self)

    def wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def expect_acknowledgements(self, seconds: float) -> None:
        """Drop a client that acknowledges nothing for that time; outside Linux, for 15 minutes."""
        if self.socket.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(seconds * 1000)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def receive(self) -> bytes | None:
        """Return b"" at the end, None if nothing has arrived."""
        try:
            return self.socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def next_request(self) -> bytes | None:
        """Return None if it is incomplete. Raise RefusedError."""
        request = self.incoming.next_request()
        if self.incoming.must_continue:
            self.incoming.must_continue = False
            self.outgoing.sendall(CONTINUE)
            self.send()
        return request

    def send(self) -> bool:
        try:
            self.outgoing.send_to(self.socket)
        except OSError:
            return False
        return True

    def send_at_once(self, answer: bytes) -> bool:
        """By one system call. Return False if the client is gone."""
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
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def discard(self) -> bool:
        self.incoming.clear()
        return self.receive() != b""

    def close(self, *, reset: bool = False) -> None:
        """`reset`: the answer is incomplete."""
        if reset:
            self.reset_when_closed()
        self.socket.close()

    def reset_when_closed(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
