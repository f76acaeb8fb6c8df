"""Streamed responses: each piece is sent at once, and none is produced without a reader."""

import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import plain_http
from tests.processes import wait_until
from tests.registry_project.server.web_application import BLOCK, lines
from tests.registry_project.server.web_server import (
    PATIENCE,
    SOON,
    THREADS,
    WebServer,
    get,
    is_reset,
    join_chunks,
    read_to_end,
    running_server,
    split,
)

CLOSE = "Connection: close"
# What the kernels of both sides may buffer of a response, and a few pieces.
KERNEL_BYTES = 16 * 1024 * 1024
# For tests in which no client may be disconnected for being slow.
LONG = "limits.ANSWER_SECONDS = 600\n"


def counts(server: WebServer) -> dict[str, int]:
    current: dict[str, int] = plain_http.get(f"{server.url}/counts").json()
    return current


def is_steady(server: WebServer) -> bool:
    """Return whether no piece was produced during a few requests."""
    before = counts(server)["made"]
    return all(counts(server)["made"] == before for _ in range(20))


@pytest.fixture
def not_reading(server: WebServer) -> Iterator[list[socket.socket]]:
    """Clients of endless responses that do not read, more than there are threads.

    The kernel's buffers for them are full.
    """
    with ExitStack() as stack:
        clients = [
            stack.enter_context(server.connect(receive_buffer=4_096)) for _ in range(THREADS * 4)
        ]
        for client in clients:
            client.sendall(get("/endless"))
            assert client.recv(1)
        wait_until(lambda: is_steady(server), "full kernel buffers")
        yield clients


# --- Framing --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_piece_arrives_before_the_next_one_is_produced(server: WebServer, version: str) -> None:
    with server.connect() as client:
        client.sendall(get("/steps", CLOSE, version=version))
        received = b""
        while b"first" not in received:
            received += client.recv(65_536)
        assert b"second" not in received
        assert plain_http.get(f"{server.url}/open").is_success
        head, body = split(received + read_to_end(client))

    if version == "1.1":
        assert b"transfer-encoding: chunked" in head
        body = join_chunks(body)
    else:
        assert b"transfer-encoding" not in head
    assert body == b"firstsecond"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("path", "content"),
    [("/nothing", b""), ("/empty-pieces", b"ab"), ("/lines", b"".join(lines()))],
    ids=["nothing", "empty pieces", "many pieces"],
)
def test_a_streamed_response_arrives_whole(
    server: WebServer, path: str, content: bytes, version: str
) -> None:
    _, body = split(server.exchange(get(path, CLOSE, version=version)))

    assert (join_chunks(body) if version == "1.1" else body) == content


def test_another_request_may_follow_a_streamed_response(server: WebServer) -> None:
    answer = server.exchange(get("/empty-pieces"), get("/echo", CLOSE))

    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"\r\n0\r\n\r\nHTTP/1.1 200" in answer


def test_in_http_1_0_closing_the_connection_ends_a_streamed_response(
    server: WebServer,
) -> None:
    head, body = split(
        server.exchange(get("/empty-pieces", "Connection: keep-alive", version="1.0"))
    )

    assert b"connection: close" in head
    assert body == b"ab"


def test_a_head_request_produces_no_piece(server: WebServer) -> None:
    made = counts(server)["made"]

    head, body = split(server.exchange(get("/endless", CLOSE, method="HEAD")))

    assert head.startswith(b"http/1.1 200")
    assert body == b""
    assert counts(server)["made"] == made


# --- Slow readers ---------------------------------------------------------------------------


def test_a_client_that_does_not_read_holds_no_thread_and_no_memory(
    server: WebServer, not_reading: list[socket.socket]
) -> None:
    made = counts(server)["made"]
    started = time.monotonic()
    for _ in range(10):
        assert plain_http.get(f"{server.url}/echo").is_success
    assert time.monotonic() - started < SOON

    assert counts(server)["made"] == made
    assert made * len(BLOCK) < len(not_reading) * KERNEL_BYTES


def test_a_slow_reader_gets_the_whole_response(server: WebServer) -> None:
    received = bytearray()
    with server.connect(receive_buffer=4_096) as client:
        client.sendall(get("/lines", CLOSE))
        while data := client.recv(8_192):
            received += data
            if len(received) < 500_000:
                time.sleep(0.001)  # lets the server get far ahead

    assert join_chunks(split(bytes(received))[1]) == b"".join(lines())


def test_a_client_that_does_not_read_is_disconnected(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.connect(receive_buffer=4_096) as client:
        client.sendall(get("/endless", version="1.0"))
        assert client.recv(1)
        started = time.monotonic()
        wait_until(lambda: counts(server)["closed"] == 1, "the end of the response")
        assert time.monotonic() - started > PATIENCE - 1
        # In HTTP/1.0 a clean close would look like a complete response.
        assert is_reset(client)


@pytest.mark.parametrize("kind", ["end", "reset"])
def test_a_response_is_closed_when_its_client_has_gone(tmp_path: Path, kind: str) -> None:
    with running_server(tmp_path, configuration=LONG) as server:
        client = server.connect(receive_buffer=4_096)
        client.sendall(get("/endless"))
        assert client.recv(1)
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        wait_until(lambda: counts(server)["closed"] == 1, "the end of the response")


def test_unread_output_is_bounded_across_all_responses(tmp_path: Path) -> None:
    few = LONG + "limits.MAX_UNSENT_BYTES = 600_000\n"
    with running_server(tmp_path, configuration=few) as server, ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(server.connect(receive_buffer=4_096))
            client.sendall(get("/endless"))
            assert client.recv(1)
        wait_until(lambda: counts(server)["closed"] >= 10, "the end of the oldest")


# --- Faults ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_response_that_fails_in_the_middle_ends_with_a_reset(
    tmp_path: Path, version: str
) -> None:
    with running_server(tmp_path, is_quiet=False) as server:
        with server.connect() as client:
            client.sendall(get("/broken", version=version))
            received = b""
            while b"first" not in received:
                received += client.recv(65_536)
            assert is_reset(client)
        assert "RuntimeError: planted" in server.log.read_text()
        assert plain_http.get(f"{server.url}/echo").is_success


def test_a_response_that_fails_before_its_first_piece_is_500(tmp_path: Path) -> None:
    with running_server(tmp_path, is_quiet=False) as server:
        answer = server.exchange(get("/broken-at-once"))
        assert answer.startswith(b"HTTP/1.1 500 ")


def test_a_response_shorter_than_its_content_length_ends_with_a_reset(tmp_path: Path) -> None:
    """Otherwise the client would take the next response for the missing rest."""
    with running_server(tmp_path, is_quiet=False) as server, server.connect() as client:
        client.sendall(get("/short") + get("/echo"))
        assert client.recv(65_536).endswith(b"short")
        assert is_reset(client)


# --- The end --------------------------------------------------------------------------------


def test_a_stop_lets_a_streamed_response_finish(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.connect(receive_buffer=4_096) as client:
        client.sendall(get("/lines"))
        begin = client.recv(1_000)
        server.process.send_signal(signal.SIGTERM)
        _, body = split(begin + read_to_end(client))
        assert join_chunks(body) == b"".join(lines())
        assert server.process.wait(30) == 0


def test_a_stop_does_not_wait_for_a_client_that_does_not_read(tmp_path: Path) -> None:
    soon = LONG + "graceful_timeout = 3\n"
    with (
        running_server(tmp_path, configuration=soon) as server,
        server.connect(receive_buffer=4_096) as client,
    ):
        client.sendall(get("/endless"))
        assert client.recv(1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert is_reset(client)
