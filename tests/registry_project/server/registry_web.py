"""The registry's web server as a process, and clients that send raw bytes."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.registry_process import PROJECT, environment_for, free_port, migrate
from tests.processes import ServerProcess, descendants, wait_until

# Seconds to wait for an answer, generous for a busy machine.
PATIENCE = 60.0
LIVE = b"GET /health/live HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n\r\n"


class Answer(NamedTuple):
    """An HTTP response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class RawClient:
    """A connection to a web server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def receive(self) -> Answer:
        """Return the next answer. Raise EOFError if the server closes instead."""
        while b"\r\n\r\n" not in self._received:
            self._receive_more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (text.partition(":") for text in lines)
        }
        length = int(headers.get("content-length", 0))
        while len(self._received) < length:
            self._receive_more()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(line.split()[1]), headers, body)

    def exchange(self, request: bytes) -> Answer:
        self.send(request)
        return self.receive()

    def is_closed(self) -> bool:
        """Return whether the server closes the connection next, without an answer."""
        return not self._received and self.socket.recv(1) == b""

    def _receive_more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError(self._received)
        self._received += data


@dataclass(frozen=True)
class RegistryWeb(ServerProcess):
    log: Path

    def connect(self) -> RawClient:
        return RawClient(self.port)

    def exchange(self, request: bytes) -> Answer:
        with self.connect() as client:
            return client.exchange(request)

    def register(self, agent_id: str, **more: Any) -> Any:
        body = json.dumps({"agent_id": agent_id, "host": "h", "port": 80} | more).encode()
        answer = self.exchange(request("POST", "/agents/register", body=body))
        assert answer.status in {200, 201}, answer
        return json.loads(answer.body)

    def agent(self, agent_id: str) -> Any:
        answer = self.exchange(request("GET", f"/agents/{agent_id}"))
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def workers(self) -> list[int]:
        return sorted(descendants(self.process.pid))

    def is_alive(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.exchange(request("GET", "/health/live")).status == 200
        except ConnectionError:
            return False


@contextmanager
def registry_web(
    folder: Path,
    environment: Mapping[str, str],
    *,
    workers: int = 1,
    injected: str = "",
    is_quiet: bool = True,
) -> Iterator[RegistryWeb]:
    """Run gunicorn with the registry on a migrated database.

    Each of its processes runs the Python code `injected` when it starts. With `is_quiet`, a
    traceback in the log is a failure.
    """
    port = free_port()
    log, configuration = folder / f"web-{port}.log", folder / f"web-{port}.py"
    lines = "\n".join(f"    {line}" for line in (injected or "pass").splitlines())
    configuration.write_text(
        "from registry_project.server.configuration import *\n"
        f"def post_worker_init(worker):\n{lines}\n"
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                f"--config={configuration}",
                f"--bind=127.0.0.1:{port}",
                f"--workers={workers}",
                "registry_project.wsgi",
            ],
            cwd=PROJECT,
            env=os.environ | dict(environment),
            stdout=output,
            stderr=output,
        )
    web = RegistryWeb(process, port, log)
    try:
        wait_until(web.is_alive, "an answer")
        yield web
    finally:
        process.terminate()
        process.wait(30)
    if is_quiet:
        assert "Traceback" not in log.read_text(), log.read_text()


def prepared(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a registry in `folder`, after migrating its database."""
    environment = environment_for(folder, DJANGO_SETTINGS_MODULE="registry_project.settings")
    environment |= settings
    migrate(environment)
    return environment


def heartbeat(agent_id: str | None, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """Return a heartbeat as bytes; without an id, a bulk heartbeat."""
    path = "/agents/heartbeat" if agent_id is None else f"/agents/{agent_id}/heartbeat"
    return request("POST", path, *lines, body=body, version=version)


def request(method: str, path: str, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    answer = [f"{method} {path} HTTP/{version}", "Host: registry.example", *lines]
    if body:
        answer += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "".join(f"{line}\r\n" for line in [*answer, ""]).encode() + body


def last_heartbeat_of(answer: Answer) -> datetime:
    return datetime.fromisoformat(json.loads(answer.body)["last_heartbeat"])
