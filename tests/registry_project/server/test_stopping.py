"""How a stopping server treats its clients."""

import signal
from pathlib import Path

from tests.registry_project.server.web_application import LARGE_BYTES
from tests.registry_project.server.web_server import (
    GET,
    read_answer,
    running_server,
)


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
        # It has been read once a later request on another connection is answered.
        idle.sendall(GET)
        assert read_answer(idle).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        unfinished.sendall(b"\r\n")
        assert read_answer(unfinished).startswith(b"HTTP/1.1 200")
        assert read_answer(waiting).endswith(b"waited")
        assert server.process.wait(30) == 0


def test_a_client_promised_keep_alive_may_send_one_more_request_during_a_stop(
    tmp_path: Path,
) -> None:
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


def test_a_stop_waits_for_a_slow_body(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.connect() as client, server.connect() as idle:
        client.sendall(b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab")
        idle.sendall(GET)
        assert read_answer(idle).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        # Connections without a request are closed, after two seconds.
        assert idle.recv(1) == b""
        client.sendall(b"cde")
        assert read_answer(client).endswith(b" /a 5 5")
        assert server.process.wait(30) == 0
