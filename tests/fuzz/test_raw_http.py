"""Raw HTTP to a running registry, and the fuzzer's own checks."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.fuzz.fuzzing import PieceFuzzer, Turn
from tests.fuzz.http_answers import answers_in
from tests.fuzz.own_registry import Target
from tests.fuzz.raw_http import GROWTH_BYTES, RawHttp

# The files that use the target share one.
pytestmark = pytest.mark.xdist_group("fuzz-target")

SEED = 20_261
GET = [b"GET /health HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n"]
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


@pytest.mark.integration
def test_the_registry_answers_raw_http_correctly(target: Target) -> None:
    http = RawHttp(target.url, secrets=target.secrets, pids=target.pids, hold=12)
    fuzzer = PieceFuzzer(http, SEED)
    for _ in range(4):
        fuzzer.take(Turn(inputs=150))
    http.close()

    assert fuzzer.failures == []


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Run a server that sends `answer` and closes; with None, it does neither."""
    open_ones: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_ones.append(connection)
                connection.recv(1 << 16)
                if answer is not None:
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in open_ones:
        connection.close()


def json_answer(status: str, body: bytes, media_type: str = "application/problem+json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_a_valid_answer_is_no_failure() -> None:
    with server(FINE) as url:
        assert RawHttp(url).check(GET) is None
    problem = b'{"status": 404, "title": "t", "detail": "d"}'
    with server(json_answer("404 Not Found", problem)) as url:
        assert RawHttp(url).check(GET) is None


def test_the_head_of_a_stream_is_an_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    [answer] = answers_in(head, ["GET"], at_end=False)
    assert answer.status == 200
    assert answers_in(head[:-2], ["GET"], at_end=False) == []


def test_100_continue_is_enough_if_the_body_is_not_sent() -> None:
    waiting = [*GET[:2], b"Expect: 100-continue\r\n", b"Content-Length: 5\r\n", b"\r\n"]
    with server(b"HTTP/1.1 100 Continue\r\n\r\n") as url:
        assert RawHttp(url).check(waiting) is None


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (json_answer("500 Oh", b'{"status": 500, "title": "t", "detail": "d"}'), "fault of the"),
        (json_answer("503 Oh", b'{"status": 503, "title": "t", "detail": "d"}'), "fault of the"),
        (json_answer("404 Not Found", b'{"detail": "d"}'), "its status is not in its body"),
        (json_answer("404 Not Found", b'{"status": 404, "title": "t"}'), "a title or a detail"),
        (json_answer("404 Not Found", b'{"status": 404}', "application/json"), "not application/p"),
        (json_answer("200 OK", b'{"load": NaN}', "application/json"), "NaN is no JSON"),
        (json_answer("200 OK", b"\xff", "application/json"), "is no JSON"),
        (json_answer("200 OK", b"Traceback (most recent call last)", "text/html"), "internals"),
        (json_answer("200 OK", b"the hush-hush", "text/html"), "a secret"),
        (FINE + FINE, "2 answers to 1 requests"),
        (FINE[:-1], "no HTTP"),
        (b"HELLO\r\n\r\n", "no HTTP"),
        (b"", "a whole request was not answered"),
        (None, "neither answered nor closed"),
    ],
)
def test_an_invalid_answer_is_a_failure(answer: bytes | None, problem: str) -> None:
    with server(answer) as url:
        found = RawHttp(url, secrets=["hush-hush"], limit=0.5).check(GET)

    assert found is not None
    assert problem in found


def test_an_unreachable_server_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    http = RawHttp(f"http://127.0.0.1:{port}")

    assert "no connection" in (http.check(GET) or "")
    assert "failed" in (http.check_health() or "")


def test_wrong_answers_to_valid_requests_are_a_failure() -> None:
    with server(FINE) as url:
        assert "POST /agents/register: 200" in (RawHttp(url).check_health() or "")


def test_growing_memory_is_a_failure() -> None:
    http = RawHttp("http://127.0.0.1:1", pids=[os.getpid()])
    assert http.check_memory() is None

    leaked = b"x" * (GROWTH_BYTES + (16 << 20))

    assert "memory grew" in (http.check_memory() or "")
    del leaked
