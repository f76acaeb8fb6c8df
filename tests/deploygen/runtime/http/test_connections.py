"""Connections that send nothing, or not enough."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploygen.runtime.http import connections as agent_connections
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

SECONDS = 0.1
WAITS = """
import pathlib, time
def handle(inputs):
    while not pathlib.Path(inputs["until"]).exists(): time.sleep(0.01)
    return {"done": True}
"""


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_connections, "REQUEST_SECONDS", SECONDS)


@contextmanager
def connected(agent: RunningAgent) -> Iterator[socket.socket]:
    address = ("127.0.0.1", urlsplit(agent.url).port)
    with socket.create_connection(address, timeout=30) as connection:
        yield connection


def let_pass(seconds: float) -> None:
    then = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > then, "that time")


def is_closed_while_it_sends(connection: socket.socket, byte: bytes) -> bool:
    try:
        connection.sendall(byte)
        connection.settimeout(0.01)
        return connection.recv(4096) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nX: "])
def test_a_connection_that_sends_no_request_is_closed(tmp_path: Path, sent: bytes) -> None:
    with running_agent(tmp_path) as agent, connected(agent) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_a_head_that_comes_byte_by_byte_is_given_no_more_time(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent, connected(agent) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        wait_until(lambda: is_closed_while_it_sends(connection, b"x"), "its end")


def test_the_rest_of_a_body_that_nobody_reads_is_given_no_more_time(tmp_path: Path) -> None:
    head = b"POST /run HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    with running_agent(tmp_path) as agent, connected(agent) as connection:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 415 ")
        wait_until(lambda: is_closed_while_it_sends(connection, b"x"), "its end")


def test_an_answer_may_take_longer_and_so_may_the_next_request(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS) as agent:
        agent.wait_until_ready()
        netloc = urlsplit(agent.url).netloc
        with closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
            body = f'{{"until": "{done}"}}'
            connection.request("POST", "/run", body, {"Content-Type": "application/json"})
            let_pass(3 * SECONDS)
            done.touch()
            assert connection.getresponse().read() == b'{"done": true}'
            let_pass(3 * SECONDS)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200


def test_an_idle_connection_is_closed_after_the_seconds_of_the_setting(tmp_path: Path) -> None:
    environ = {"AGENT_KEEP_ALIVE_SECONDS": "0.2"}
    with running_agent(tmp_path, environ=environ) as agent, connected(agent) as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.settimeout(3)  # less than uvicorn's own five seconds
        assert connection.recv(4096) == b""


def test_an_idle_connection_outlives_the_idle_time_of_a_load_balancer(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert agent.lifecycle.config.keep_alive_seconds == 75
