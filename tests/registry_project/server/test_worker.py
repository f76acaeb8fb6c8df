"""The web server's worker, in a real gunicorn, with clients that speak HTTP by hand."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.integration.registry_process import free_port
from tests.processes import ServerProcess, wait_until
from tests.registry_project.server.web_application import LARGE_BYTES

PROJECT = Path(__file__).parents[3]
THREADS = 2
# The real limits, so short that tests can wait for them; none comes near them by being slow.
CONFIGURATION = f"""
from registry_project.server import worker
from registry_project.server.configuration import *

worker_class = "registry_project.server.worker.PatientWorker"
threads = {THREADS}
worker_connections = 100
worker.REQUEST_SECONDS = 5
worker.ANSWER_SECONDS = 5
worker.MAX_UNREAD_BYTES = 512 * 1024
"""
# Seconds, on a machine that is busy; less than any of the limits.
SOON = 4
GET = b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n"


@dataclass(frozen=True)
class WebServer(ServerProcess):
    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def exchange(self, *parts: bytes) -> bytes:
        """Send `parts`, one after the other; return all that comes until the server ends it."""
        with self.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                client.sendall(part)
            return read_to_end(client)


@contextmanager
def running_server(folder: Path, starter: Sequence[str] = ()) -> Iterator[WebServer]:
    """Run gunicorn; `starter` is a command that runs the one that follows it."""
    configuration, log, port = folder / "web.py", folder / "web.log", free_port()
    configuration.write_text(CONFIGURATION)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(*starter, sys.executable, "-m", "gunicorn", f"--config={configuration}"),
                *(f"--bind=127.0.0.1:{port}", "tests.registry_project.server.web_application"),
            ],
            cwd=PROJECT,
            stdout=output,
            stderr=output,
        )
    server = WebServer(process, port)
    try:
        wait_until(lambda: answers(server), "an answer")
        yield server
    finally:
        process.terminate()
        process.wait(30)
    assert "Traceback" not in log.read_text(), log.read_text()


def answers(server: WebServer) -> bool:
    try:
        return plain_http.get(server.url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with running_server(tmp_path_factory.mktemp("web")) as server:
        yield server


def read_to_end(client: socket.socket) -> bytes:
    found = b""
    while data := client.recv(65536):
        found += data
    return found


def read_answer(client: socket.socket) -> bytes:
    """Return one answer with a short body."""
    head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + (body or client.recv(65536))


@pytest.fixture
def clients(server: WebServer) -> Iterator[list[socket.socket]]:
    """50 connections, more than there are threads by far."""
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
def test_clients_that_dribble_do_not_keep_others_waiting(
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


def test_clients_that_do_not_read_their_answers_do_not_keep_others_waiting(
    server: WebServer, clients: list[socket.socket]
) -> None:
    for client in clients[:6]:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.recv(1)
    started = time.monotonic()
    assert plain_http.get(f"{server.url}/echo").is_success
    assert time.monotonic() - started < SOON


def test_clients_that_do_not_close_do_not_keep_others_waiting(
    server: WebServer, clients: list[socket.socket]
) -> None:
    for client in clients:
        client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for client in clients:
        assert read_to_end(client).startswith(b"HTTP/1.1 200 ")
    started = time.monotonic()
    assert plain_http.get(f"{server.url}/echo").is_success
    assert time.monotonic() - started < SOON


def test_a_request_that_takes_too_long_ends_in_408(server: WebServer) -> None:
    with server.connect() as client:
        client.sendall(b"GET / HT")
        started = time.monotonic()
        wait_until(lambda: sent_or_closed(client), "the end of the connection", seconds=20)
        assert time.monotonic() - started > 4
        assert read_to_end(client).startswith(b"HTTP/1.1 408 ")


def sent_or_closed(client: socket.socket) -> bool:
    """Dribble; return whether there is an answer."""
    client.settimeout(0.1)
    try:
        client.sendall(b"x")
        return bool(client.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        client.settimeout(30)


def test_an_answer_that_is_not_read_is_given_up(server: WebServer) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        started = time.monotonic()

        def is_given_up() -> bool:
            try:
                client.send(b"x")
            except ConnectionError:
                return True
            return False

        wait_until(is_given_up, "the end of the connection", seconds=20)
        assert time.monotonic() - started > 4


def test_a_slow_reader_gets_all_of_its_answer(server: WebServer) -> None:
    answer = server.exchange(b"GET /large HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")

    assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE_BYTES


def test_more_connections_than_places_make_room_for_the_next(server: WebServer) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(150)]
        started = time.monotonic()
        assert plain_http.get(f"{server.url}/echo").is_success
        assert time.monotonic() - started < SOON
        idle[0].settimeout(10)
        assert idle[0].recv(1) == b""  # the oldest
        idle[-1].sendall(GET)
        assert idle[-1].recv(12) == b"HTTP/1.1 200"


def test_whether_it_lives_is_told_while_all_threads_wait(server: WebServer) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(server.connect()) for _ in range(THREADS)]
        for client in waiting:
            client.sendall(GET.replace(b"/echo", b"/wait"))  # for the next call
        assert plain_http.get(f"{server.url}/health/live").is_success
        for client in waiting:
            assert read_answer(client).endswith(b"waited")


def test_requests_that_come_together_are_answered_in_turn(server: WebServer) -> None:
    post = b"POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /b HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

    answer = server.exchange(post + GET + last)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"http 127.0.0.1 /a 3 3" in answer
    assert answer.index(b" /a 3 3") < answer.index(b" /echo ") < answer.index(b" /b ")


def test_a_request_in_any_pieces_is_one_request(server: WebServer) -> None:
    request = b"POST /a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde"

    answer = server.exchange(*(request[index : index + 1] for index in range(len(request))))

    assert answer.endswith(b" /a 5 5")


def test_a_client_that_asks_whether_to_send_its_body_is_told_to(server: WebServer) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    with server.connect() as client:
        client.sendall(head)
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abcde")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 9999999", b"200"),  # the application sees the length, and no body
        (b"Transfer-Encoding: chunked", b"200"),
        (b"Content-Length: 5\r\nContent-Length: 6", b"400"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"400"),
        (b"Content-Length: -5", b"400"),
        (b"Content-Length: +5", b"400"),
        (b"Content-Length : 5", b"400"),
        (b"Broken", b"400"),
        (b"X: " + b"x" * 9000, b"431"),
        (b"\r\n".join(b"X-%d: " % number + b"x" * 8000 for number in range(20)), b"431"),
    ],
)
def test_what_cannot_be_taken_is_answered_at_once_and_ends_the_connection(
    server: WebServer, head: bytes, status: bytes
) -> None:
    started = time.monotonic()
    answer = server.exchange(b"POST / HTTP/1.1\r\nHost: test\r\n" + head + b"\r\n\r\n5\r\nabcde")

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()
    assert time.monotonic() - started < SOON


def test_nobody_is_believed_about_the_scheme_by_the_server(server: WebServer) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "X-Forwarded-For": "1.2.3.4"}

    assert plain_http.get(f"{server.url}/echo", headers=headers).text.startswith("http 127.0.0.1 ")


def test_a_process_that_has_no_file_left_goes_on(tmp_path: Path) -> None:
    few_files = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    with running_server(tmp_path, few_files) as server, ExitStack() as stack:
        for _ in range(90):
            stack.enter_context(server.connect())
        started = time.monotonic()
        assert plain_http.get(f"{server.url}/echo").is_success
        assert time.monotonic() - started < SOON


def test_a_stop_lets_requests_finish(tmp_path: Path) -> None:
    with (
        running_server(tmp_path) as server,
        server.connect() as waiting,
        server.connect() as idle,
        server.connect() as unfinished,
    ):
        waiting.sendall(GET.replace(b"/echo", b"/wait"))
        idle.sendall(GET)
        assert read_answer(idle).startswith(b"HTTP/1.1 200")
        unfinished.sendall(GET.replace(b"/echo", b"/open")[:-2])
        # It was read when a later request on another connection was.
        idle.sendall(GET)
        assert read_answer(idle).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        unfinished.sendall(b"\r\n")
        assert read_answer(unfinished).startswith(b"HTTP/1.1 200")
        assert read_answer(waiting).endswith(b"waited")
        assert server.process.wait(30) == 0


def test_who_was_told_to_ask_again_may_do_so_although_it_stops(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.connect() as client:
        client.sendall(GET.replace(b"/echo", b"/large"))
        begin = client.recv(1000)
        assert b"connection: keep-alive" in begin.lower()
        server.process.send_signal(signal.SIGTERM)
        left = LARGE_BYTES - len(begin.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(client.recv(left))
        client.sendall(GET)
        assert read_answer(client).startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0


def test_a_body_that_comes_slowly_is_waited_for_although_it_stops(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.connect() as client, server.connect() as idle:
        client.sendall(b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab")
        idle.sendall(GET)
        assert read_answer(idle).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        # What only waits for a next request is closed, after two seconds.
        assert idle.recv(1) == b""
        client.sendall(b"cde")
        assert read_answer(client).endswith(b" /a 5 5")
        assert server.process.wait(30) == 0


def test_what_has_come_of_unfinished_requests_is_bounded(server: WebServer) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 65536\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(10)]
        for client in clients:
            client.sendall(head + b"x" * 65_000)
        assert clients[0].recv(1) == b""
        clients[-1].sendall(b"x" * 536)
        assert read_answer(clients[-1]).endswith(b" /a 65536 65536")
