"""Clients that are slow, idle or too many do not delay the others."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import plain_http
from tests.processes import wait_until
from tests.registry_project.server.web_application import LARGE_BYTES
from tests.registry_project.server.web_server import (
    GET,
    SOON,
    THREADS,
    WebServer,
    read_answer,
    read_to_end,
    running_server,
)


@pytest.fixture
def clients(server: WebServer) -> Iterator[list[socket.socket]]:
    """50 connections, far more than there are threads."""
    with ExitStack() as stack:
        yield [stack.enter_context(server.connect()) for _ in range(50)]


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GE", id="request line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ", id="headers"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nx", id="body"),
    ],
)
def test_clients_that_send_byte_by_byte_do_not_delay_others(
    server: WebServer, clients: list[socket.socket], beginning: bytes
) -> None:
    for client in clients:
        client.sendall(beginning)
    for _ in range(3):
        for client in clients:
            client.sendall(b"x" if beginning else b"")
        started = time.monotonic()
        assert plain_http.get(f"{server.url}/echo").is_success
        assert time.monotonic() - started < SOON  # else after the limit, or never


def test_clients_that_do_not_read_their_answers_do_not_delay_others(
    server: WebServer, clients: list[socket.socket]
) -> None:
    for client in clients[:6]:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.recv(1)
    started = time.monotonic()
    assert plain_http.get(f"{server.url}/echo").is_success
    assert time.monotonic() - started < SOON


def test_clients_that_do_not_close_their_connection_do_not_delay_others(
    server: WebServer, clients: list[socket.socket]
) -> None:
    for client in clients:
        client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for client in clients:
        assert read_to_end(client).startswith(b"HTTP/1.1 200 ")
    started = time.monotonic()
    assert plain_http.get(f"{server.url}/echo").is_success
    assert time.monotonic() - started < SOON


def test_a_request_that_takes_too_long_to_arrive_gets_408(server: WebServer) -> None:
    with server.connect() as client:
        client.sendall(b"GET / HT")
        started = time.monotonic()
        wait_until(lambda: sent_or_closed(client), "the end of the connection", seconds=20)
        assert time.monotonic() - started > 4
        assert read_to_end(client).startswith(b"HTTP/1.1 408 ")


def sent_or_closed(client: socket.socket) -> bool:
    """Send one more byte; return whether an answer has arrived."""
    client.settimeout(0.1)
    try:
        client.sendall(b"x")
        return bool(client.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        client.settimeout(30)


def test_a_client_that_does_not_read_its_answer_is_disconnected(server: WebServer) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        started = time.monotonic()

        def is_disconnected() -> bool:
            try:
                client.send(b"x")
            except ConnectionError:
                return True
            return False

        wait_until(is_disconnected, "the end of the connection", seconds=20)
        assert time.monotonic() - started > 4


def test_a_large_answer_arrives_whole(server: WebServer) -> None:
    answer = server.exchange(b"GET /large HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")

    assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE_BYTES


def test_the_oldest_idle_connections_are_closed_to_make_room_for_new_ones(
    server: WebServer,
) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(150)]
        started = time.monotonic()
        assert plain_http.get(f"{server.url}/echo").is_success
        assert time.monotonic() - started < SOON
        idle[0].settimeout(10)
        assert idle[0].recv(1) == b""  # the oldest
        idle[-1].sendall(GET)
        assert idle[-1].recv(12) == b"HTTP/1.1 200"


def test_liveness_checks_are_answered_while_all_threads_wait(server: WebServer) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(server.connect()) for _ in range(THREADS)]
        for client in waiting:
            client.sendall(GET.replace(b"/echo", b"/wait"))  # for the next call
        assert plain_http.get(f"{server.url}/health/live").is_success
        for client in waiting:
            assert read_answer(client).endswith(b"waited")


def test_a_process_without_free_file_descriptors_keeps_serving(tmp_path: Path) -> None:
    few_files = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    with running_server(tmp_path, few_files) as server, ExitStack() as stack:
        for _ in range(90):
            stack.enter_context(server.connect())
        started = time.monotonic()
        assert plain_http.get(f"{server.url}/echo").is_success
        assert time.monotonic() - started < SOON


@pytest.mark.parametrize(
    ("count", "size"), [pytest.param(10, 65_000, id="large"), pytest.param(70, 9_000, id="small")]
)
def test_the_memory_for_unfinished_requests_is_bounded(
    server: WebServer, count: int, size: int
) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % size
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(count)]
        for client in clients:
            client.sendall(head + b"x" * (size - 1))
        dropped, _, _ = select.select(clients, [], [], 30)
        assert all(is_closed(client) for client in dropped)
        # More may be closed, but not all.
        assert any(completes(client, size) for client in clients if client not in dropped)


def is_closed(client: socket.socket) -> bool:
    """Return whether the server closes next, perhaps before it has read everything."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def completes(client: socket.socket, size: int) -> bool:
    """Send the last byte; return whether the request is answered."""
    try:
        client.sendall(b"x")
        return read_answer(client).endswith(b" /a %d %d" % (size, size))
    except ConnectionError:
        return False


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_limit(tmp_path: Path) -> None:
    low_soft_limit = ["sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh"]
    with running_server(tmp_path, low_soft_limit) as server, ExitStack() as stack:
        for client in [stack.enter_context(server.connect()) for _ in range(90)]:
            client.sendall(GET)
            assert client.recv(12) == b"HTTP/1.1 200"


def test_an_idle_connection_is_closed_after_the_keepalive_time(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, configuration="keepalive = 1\n") as server,
        server.connect() as unused,
        server.connect() as used,
    ):
        used.sendall(GET)
        started = time.monotonic()
        assert read_answer(used)
        assert used.recv(1) == unused.recv(1) == b""
        assert 1 <= time.monotonic() - started < SOON
