"""The web server's worker in a real gunicorn with a small application, and raw clients."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import plain_http
from tests.integration.registry_process import free_port
from tests.processes import ServerProcess, descendants, wait_until

PROJECT = Path(__file__).parents[3]
APPLICATION = "tests.registry_project.server.web_application"
THREADS = 2
# Seconds after which the server gives up on a client: short enough for tests to wait, and too long
# to be reached by accident on a slow machine.
PATIENCE = 5
CONFIGURATION = f"""
from registry_project.server import limits
from registry_project.server.configuration import *

worker_class = "registry_project.server.worker.Worker"
threads = {THREADS}
worker_connections = 100
limits.REQUEST_SECONDS = limits.ANSWER_SECONDS = {PATIENCE}
limits.MAX_UNREAD_BYTES = 512 * 1024
"""
# Seconds, generous for a busy machine; less than any of the limits.
SOON = 4
GET = b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n"


def get(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request as bytes."""
    head = [f"{method} {path} HTTP/{version}", "Host: test", *lines]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode()


@dataclass(frozen=True)
class WebServer(ServerProcess):
    log: Path

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Return a connection; with a small buffer, the client soon accepts no more data."""
        client = socket.socket()
        client.settimeout(30)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(("127.0.0.1", self.port))
        return client

    def exchange(self, *parts: bytes) -> bytes:
        """Send `parts` one by one; return everything received until the server closes."""
        with self.connect() as client:
            for part in parts:
                client.sendall(part)
            return read_to_end(client)

    def memory(self) -> int:
        """Return the private memory of the only worker, in bytes."""
        [worker] = descendants(self.process.pid)
        text = Path(f"/proc/{worker}/smaps_rollup").read_text()
        return sum(
            int(line.split()[1]) * 1024
            for line in text.splitlines()
            if line.startswith(("Private_Clean", "Private_Dirty"))
        )


@contextmanager
def running_server(
    folder: Path,
    starter: Sequence[str] = (),
    *,
    application: str = APPLICATION,
    configuration: str = "",
    is_quiet: bool = True,
) -> Iterator[WebServer]:
    """Run gunicorn. `starter` is a command that runs the command after it.

    `configuration` is appended to CONFIGURATION. With `is_quiet`, a traceback in the log is a
    failure.
    """
    file, log, port = folder / "web.py", folder / "web.log", free_port()
    file.write_text(CONFIGURATION + configuration)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *starter,
                sys.executable,
                "-m",
                "gunicorn",
                f"--config={file}",
                f"--bind=127.0.0.1:{port}",
                application,
            ],
            cwd=PROJECT,
            stdout=output,
            stderr=output,
        )
    server = WebServer(process, port, log)
    try:
        wait_until(lambda: answers(server), "an answer")
        yield server
    finally:
        process.terminate()
        process.wait(30)
    if is_quiet:
        assert "Traceback" not in log.read_text(), log.read_text()


def answers(server: WebServer) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return plain_http.get(f"{server.url}/echo").is_success
    except httpx.TransportError:
        return False


def read_to_end(client: socket.socket) -> bytes:
    received = b""
    while data := client.recv(65536):
        received += data
    return received


def read_answer(client: socket.socket) -> bytes:
    """Read one response with a short body."""
    head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + (body or client.recv(65536))


def is_reset(client: socket.socket) -> bool:
    """Read to the end; return whether the connection was reset."""
    try:
        read_to_end(client)
    except ConnectionResetError:
        return True
    return False


def split(answer: bytes) -> tuple[bytes, bytes]:
    """Return the head of a response in lower case, and its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower(), body


def join_chunks(body: bytes) -> bytes:
    """Return the content of a chunked body. Raise ValueError if it is incomplete."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            if body != b"\r\n":
                raise ValueError(body)
            return content
        content += body[:length]
        if body[length : length + 2] != b"\r\n":
            raise ValueError(body[:100])
        body = body[length + 2 :]
