import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

import pytest

from deploygen.runtime import healthcheck
from tests.serving import serving

NOWHERE = Path("/no/such/folder")


class Answer(BaseHTTPRequestHandler):
    status = 200
    paths: list[str] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answer]]:
    class Agent(Answer):
        paths: list[str] = []

    with serving(TCPServer(("127.0.0.1", 0), Agent)) as server:
        monkeypatch.setenv("AGENT_PORT", str(server.server_address[1]))
        yield Agent


def test_an_agent_that_answers_is_healthy(agent: type[Answer]) -> None:
    assert healthcheck.main(NOWHERE) == 0
    assert agent.paths == ["/health/live"]


def test_any_other_answer_is_unhealthy(agent: type[Answer]) -> None:
    agent.status = 500
    assert healthcheck.main(NOWHERE) == 1


def test_an_agent_that_does_not_answer_is_unhealthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with TCPServer(("127.0.0.1", 0), Answer) as server:
        port = server.server_address[1]
    monkeypatch.setenv("AGENT_PORT", str(port))
    assert healthcheck.main(NOWHERE) == 1
    assert "unhealthy" in capsys.readouterr().out


def test_the_address_is_the_one_that_the_agent_listens_on(
    agent: type[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_LISTEN", "127.0.0.2")
    assert healthcheck.main(NOWHERE) == 1
    monkeypatch.setenv("AGENT_LISTEN", "127.0.0.1")
    assert healthcheck.main(NOWHERE) == 0


@pytest.mark.parametrize("port", ["http", "99999999"])
def test_an_invalid_port_is_unhealthy(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("AGENT_PORT", port)
    assert healthcheck.main(NOWHERE) == 1


def test_without_the_variable_the_port_is_read_from_the_file(
    agent: type[Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(os.environ["AGENT_PORT"])
    monkeypatch.delenv("AGENT_PORT")
    (tmp_path / "agent.json").write_text(json.dumps({"port": port}))
    assert healthcheck.main(tmp_path) == 0
    assert agent.paths


def test_the_variable_port_is_used(
    agent: type[Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", os.environ["AGENT_PORT"])
    monkeypatch.delenv("AGENT_PORT")
    (tmp_path / "agent.json").write_text(json.dumps({"port": 8000}))
    assert healthcheck.main(tmp_path) == 0
    assert agent.paths


def test_a_folder_without_a_port_is_unhealthy(tmp_path: Path) -> None:
    (tmp_path / "agent.json").write_text("{}")
    assert healthcheck.main(tmp_path) == 1
