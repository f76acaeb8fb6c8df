"""Event streams, which the event loop takes over from a view."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.processes import wait_until
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

APPLICATION = "tests.registry_project.server.event_application"
SILENCE = "limits.SILENCE_SECONDS = 60\n"
EVENTS = get("/events")


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("events")
    with running_server(folder, application=APPLICATION, configuration=SILENCE) as server:
        yield server


@pytest.fixture
def server(one_server: WebServer) -> WebServer:
    """The server of this module, once the streams of the previous test are closed."""
    wait_until(lambda: state(one_server)["open"] == 0, "the end of all streams")
    return one_server


def state(server: WebServer) -> dict[str, Any]:
    current: dict[str, Any] = plain_http.get(f"{server.url}/state").json()
    return current


def call(server: WebServer, path: str) -> Any:
    return plain_http.get(f"{server.url}/{path}", timeout=30).raise_for_status().json()


def watch(
    server: WebServer, stack: ExitStack, request: bytes = EVENTS, **more: int
) -> socket.socket:
    """Return a client that has received the start of its stream."""
    client = stack.enter_context(server.connect(**more))
    client.sendall(request)
    read_until(client, b":\n\n")
    return client


def read_until(client: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        data = client.recv(65_536)
        assert data, received
        received += data
    return received


# --- Events ---------------------------------------------------------------------------------


def test_an_event_arrives_at_once(server: WebServer) -> None:
    with ExitStack() as stack:
        client = watch(server, stack)
        for number in range(20):
            started = time.monotonic()
            assert call(server, f"send?text={number}") == 1
            assert read_until(client, b"\n\n") == b"%x\r\nevent: text\ndata: %d\n\n\r\n" % (
                len(f"event: text\ndata: {number}\n\n"),
                number,
            )
            assert time.monotonic() - started < SOON


def test_an_event_stream_holds_no_thread(server: WebServer) -> None:
    with ExitStack() as stack:
        clients = [watch(server, stack) for _ in range(THREADS * 10)]
        started = time.monotonic()
        assert call(server, "send?text=all") == len(clients)
        for client in clients:
            read_until(client, b"data: all\n\n")
        assert time.monotonic() - started < SOON


def test_the_response_has_the_headers_of_an_event_stream(server: WebServer) -> None:
    with server.connect() as client:
        client.sendall(EVENTS)
        head, _ = split(read_until(client, b":\n\n"))

    assert head.startswith(b"http/1.1 200")
    for line in (
        b"content-type: text/event-stream",
        b"transfer-encoding: chunked",
        b"connection: close",
        b"cache-control: no-store",
        b"x-accel-buffering: no",
    ):
        assert line in head


def test_an_event_sent_before_the_response_arrives_too(server: WebServer) -> None:
    with server.connect() as client:
        client.sendall(get("/events?greeting"))
        read_until(client, b"data: hello\n\n")


def test_events_from_many_threads_arrive_whole_and_in_order_per_thread(
    server: WebServer,
) -> None:
    with ExitStack() as stack:
        clients = [watch(server, stack) for _ in range(3)]
        assert call(server, "send-many?threads=8&each=100") == 3
        assert call(server, "end") == 3
        for client in clients:
            events = join_chunks(read_to_end(client)).split(b"\n\n")
            assert events.pop() == b""
            assert events.pop() == b"data: last"
            pairs = [json.loads(event.removeprefix(b"data: ")) for event in events]
            assert len(pairs) == 800
            for thread in range(8):
                assert [number for sender, number in pairs if sender == thread] == list(range(100))


def test_a_view_may_answer_without_a_stream(server: WebServer) -> None:
    answer = server.exchange(get("/events?refused", "Connection: close"))

    assert answer.startswith(b"HTTP/1.1 403")
    assert b"\r\nrefused\r\n" in answer


def test_http_1_0_gets_events_without_chunked_encoding(server: WebServer) -> None:
    with ExitStack() as stack:
        client = watch(server, stack, get("/events", version="1.0"))
        assert call(server, "end") == 1
        assert read_to_end(client) == b"data: last\n\n"


def test_a_head_request_gets_no_stream(server: WebServer) -> None:
    head, body = split(server.exchange(get("/events", "Connection: close", method="HEAD")))

    assert b"text/event-stream" in head
    assert body == b""
    wait_until(lambda: state(server)["open"] == 0, "the end of the stream")


def test_a_stream_that_middleware_wraps_is_still_sent(server: WebServer) -> None:
    """Such a stream holds a thread."""
    with ExitStack() as stack:
        client = watch(server, stack, get("/events?wrapped"))
        assert call(server, "send?text=all") == 1
        read_until(client, b"DATA: all\n\n")
        assert call(server, "end") == 1


# --- The end --------------------------------------------------------------------------------


def test_ending_a_stream_closes_the_connection_cleanly(server: WebServer) -> None:
    with ExitStack() as stack:
        client = watch(server, stack)
        assert call(server, "end") == 1
        assert join_chunks(read_to_end(client)) == b"data: last\n\n"
    assert state(server)["closed"][-1] == "ended"


@pytest.mark.parametrize("how", ["close", "half"])
def test_a_stream_is_closed_as_gone_when_its_client_disconnects(
    server: WebServer, how: str
) -> None:
    with ExitStack() as stack:
        client = watch(server, stack)
        if how == "close":
            client.close()
        else:
            client.shutdown(socket.SHUT_WR)
        wait_until(lambda: state(server)["open"] == 0, "the end of the stream", SOON)
    assert state(server)["closed"][-1] == "gone"


def test_input_from_the_client_of_a_stream_is_ignored(server: WebServer) -> None:
    with ExitStack() as stack:
        client = watch(server, stack)
        client.sendall(get("/end") + b"x" * 100_000)
        assert call(server, "send?text=all") == 1
        read_until(client, b"data: all\n\n")


def test_a_client_that_reads_too_slowly_is_disconnected(server: WebServer) -> None:
    with ExitStack() as stack:
        client = watch(server, stack, receive_buffer=4_096)
        sent = call(server, "flood")
        assert 10 < sent < 10_000
        wait_until(lambda: state(server)["open"] == 0, "the end of the stream", SOON)
        assert is_reset(client)
    assert state(server)["closed"][-1] == "slow"


def test_a_client_that_reads_nothing_for_too_long_is_disconnected(tmp_path: Path) -> None:
    """This holds even when the backlog is below its limit."""
    with (
        running_server(tmp_path, application=APPLICATION, configuration=SILENCE) as server,
        ExitStack() as stack,
    ):
        client = watch(server, stack, receive_buffer=4_096)
        started = time.monotonic()
        wait_until(lambda: call(server, "fill"), "a backlog")
        wait_until(lambda: state(server)["open"] == 0, "the end of the stream")
        assert time.monotonic() - started > PATIENCE - 1
        assert state(server)["closed"] == ["slow"]
        assert is_reset(client)


def test_comments_are_sent_during_silence(tmp_path: Path) -> None:
    short = "limits.SILENCE_SECONDS = 0.5\n"
    with (
        running_server(tmp_path, application=APPLICATION, configuration=short) as server,
        ExitStack() as stack,
    ):
        client = watch(server, stack)
        for _ in range(2):
            assert read_until(client, b"\n\n\r\n") == b"3\r\n:\n\n\r\n"


def test_a_stop_ends_streams_at_once(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, application=APPLICATION, configuration=SILENCE) as server,
        ExitStack() as stack,
    ):
        client = watch(server, stack)
        assert call(server, "send?text=all") == 1
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert join_chunks(read_to_end(client)) == b"event: text\ndata: all\n\n"
        assert time.monotonic() - started < SOON
        client.close()
        assert server.process.wait(30) == 0
        assert "closed: stopping" in server.log.read_text()


def test_the_backlog_of_all_clients_together_is_bounded(tmp_path: Path) -> None:
    few = SILENCE + "limits.ANSWER_SECONDS = 600\nlimits.MAX_UNSENT_BYTES = 100_000\n"
    with (
        running_server(tmp_path, application=APPLICATION, configuration=few) as server,
        ExitStack() as stack,
    ):
        for _ in range(6):
            watch(server, stack, receive_buffer=4_096)
        wait_until(lambda: call(server, "fill"), "backlogs")
        wait_until(lambda: state(server)["open"] <= 3, "the end of some")
        current = state(server)
        assert current["open"] >= 2
        assert set(current["closed"]) == {"slow"}


# --- Many -----------------------------------------------------------------------------------


def test_streams_beyond_the_limit_are_refused_so_that_other_requests_still_work(
    server: WebServer,
) -> None:
    with ExitStack() as stack:
        for _ in range(50):  # half of `worker_connections`
            watch(server, stack)
        answer = server.exchange(EVENTS)
        head, body = split(answer)
        assert head.startswith(b"http/1.1 503")
        assert b"retry-after: 5" in head
        assert json.loads(body)["status"] == 503
        assert call(server, "send?text=all") == 50


def test_a_stream_costs_little_memory(tmp_path: Path) -> None:
    many = "worker_connections = 1_000\n"
    with (
        running_server(tmp_path, application=APPLICATION, configuration=many) as server,
        ExitStack() as stack,
    ):
        for _ in range(50):  # warm-up: one-time allocations
            watch(server, stack)
        before = server.memory()
        for _ in range(400):
            watch(server, stack)
        assert call(server, "send?text=all") == 450
        assert (server.memory() - before) / 400 < 4_096
