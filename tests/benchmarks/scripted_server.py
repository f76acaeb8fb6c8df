"""A server with scripted answers, for testing what a load generator counts."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from benchmarks.wire.connection import Address

# Gets the number of a request; returns the bytes to send, and whether to close then.
Script = Callable[[int], tuple[bytes, bool]]


@contextmanager
def scripted_server(script: Script) -> Iterator[tuple[Address, list[int]]]:
    """Yield the server's address, and the number of requests on each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[int] = []
    lock = threading.Lock()
    threads: list[threading.Thread] = []
    open_ones: list[socket.socket] = []

    def serve(client: socket.socket, number: int) -> None:
        with client, suppress(OSError):
            while client.recv(65536):
                with lock:
                    seen[number] += 1
                    total = sum(seen)
                answer, closes = script(total)
                client.sendall(answer)
                if closes:
                    return

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                open_ones.append(client)
                seen.append(0)
                threads.append(threading.Thread(target=serve, args=(client, len(seen) - 1)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname(), seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for client in open_ones:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def sized(status: int, body: bytes = b"", header: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{header}Content-Length: {len(body)}\r\n\r\n".encode() + body
