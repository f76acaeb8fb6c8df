"""Connections that are idle or send a request too slowly."""

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


def wait_for(seconds: float) -> None:
    then = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > then, "the time to pass")


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


def test_sending_a_head_byte_by_byte_does_not_extend_the_time_limit(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent, connected(agent) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        wait_until(lambda: is_closed_while_it_sends(connection, b"x"), "its close")


def test_sending_an_unread_body_byte_by_byte_does_not_extend_the_time_limit(tmp_path: Path) -> None:
    head = b"POST /run HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    with running_agent(tmp_path) as agent, connected(agent) as connection:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 415 ")
        wait_until(lambda: is_closed_while_it_sends(connection, b"x"), "its close")


def test_the_limit_applies_neither_to_the_handler_nor_to_keep_alive(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS) as agent:
        agent.wait_until_ready()
        netloc = urlsplit(agent.url).netloc
        with closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
            body = f'{{"until": "{done}"}}'
            connection.request("POST", "/run", body, {"Content-Type": "application/json"})
            wait_for(3 * SECONDS)
            done.touch()
            assert connection.getresponse().read() == b'{"done": true}'
            wait_for(3 * SECONDS)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200


def test_an_idle_connection_is_closed_after_keep_alive_seconds(tmp_path: Path) -> None:
    environ = {"AGENT_KEEP_ALIVE_SECONDS": "0.2"}
    with running_agent(tmp_path, environ=environ) as agent, connected(agent) as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.settimeout(3)  # less than uvicorn's own five seconds
        assert connection.recv(4096) == b""


def test_the_default_keep_alive_exceeds_the_idle_time_of_load_balancers(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert agent.lifecycle.config.keep_alive_seconds == 75
