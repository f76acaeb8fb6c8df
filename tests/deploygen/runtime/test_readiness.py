"""Readiness as far as it depends on dependencies and secrets."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

import pytest

from deploygen.runtime import dependencies as dependency_checks
from deploygen.runtime.config import ConfigError
from deploygen.runtime.environment import LARGEST_SECRET_BYTES, load_secrets
from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_until


class Service(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    status = 200
    paths: list[str]


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(("127.0.0.1", 0), Answer) as server:
        server.paths = []
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _check_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependency_checks, "GOOD_FOR_SECONDS", 0.05)
    monkeypatch.setattr(dependency_checks, "RETRY_SECONDS", 0.05)


def address(service: Service) -> str:
    return f"127.0.0.1:{service.server_address[1]}"


# --- Dependencies -----------------------------------------------------------------------------


def test_a_url_that_answers_below_500_is_available(tmp_path: Path, service: Service) -> None:
    service.status = 404
    url = f"http://{address(service)}/health?deep=1"
    with running_agent(tmp_path, dependencies=[url]) as agent:
        agent.wait_until_ready()
    assert set(service.paths) == {"/health?deep=1"}


def test_a_url_that_answers_500_is_away_until_it_recovers(tmp_path: Path, service: Service) -> None:
    service.status = 503
    url = f"http://{address(service)}/health"
    away = f"the dependency {url} is away: it responds with 503"
    with running_agent(tmp_path, dependencies=[url]) as agent:
        wait_until(lambda: agent.reason() == away, "the reason")
        assert agent.lifecycle.status().status == "degraded"
        assert agent.lifecycle.status().note == away
        assert agent.http.get("/health/live").is_success
        service.status = 200
        agent.wait_until_ready()
        service.status = 500
        wait_until(lambda: agent.reason() is not None, "unreadiness")


def test_a_host_and_port_that_accept_a_connection_are_available(
    tmp_path: Path, service: Service
) -> None:
    with running_agent(tmp_path, dependencies=[address(service)]) as agent:
        agent.wait_until_ready()


def test_every_dependency_that_is_away_is_named(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        free = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]
    with running_agent(tmp_path, dependencies=[free[0], f"http://{free[1]}/"]) as agent:
        wait_until(lambda: str(agent.reason()).count("ConnectionRefusedError") == 2, "the reasons")
        reason = str(agent.reason())
    assert f"the dependency {free[0]} is away" in reason
    assert f"the dependency http://{free[1]}/ is away" in reason


def test_a_silent_dependency_is_away_after_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependency_checks, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with running_agent(tmp_path, dependencies=[url]) as agent:
            wait_until(lambda: "TimeoutError" in str(agent.reason()), "the reason")


def test_a_dependency_with_only_stale_results_is_away(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_agent(tmp_path, dependencies=[address(service)]) as agent:
        agent.wait_until_ready()
        # As if a DNS lookup hung: there are no further results.
        agent.lifecycle._dependencies.stop()
        monkeypatch.setattr(dependency_checks, "STALE_SECONDS", 0.0)
        wait_until(lambda: "it does not respond" in str(agent.reason()), "the reason")


def test_frequent_readiness_checks_do_not_call_the_dependency_more_often(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependency_checks, "GOOD_FOR_SECONDS", 600.0)
    with running_agent(tmp_path, dependencies=[f"http://{address(service)}"]) as agent:
        agent.wait_until_ready()
        assert [agent.reason() for _ in range(20)] == [None] * 20
    assert service.paths == ["/"]


def test_a_password_in_a_url_is_not_shown(tmp_path: Path) -> None:
    with running_agent(tmp_path, dependencies=["http://me:pw@127.0.0.1:1/x?key=pw"]) as agent:
        wait_until(lambda: "is away" in str(agent.reason()), "the reason")
        assert "pw" not in str(agent.reason())


def test_the_output_of_a_dependency_that_does_not_speak_http_is_not_shown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:
        threading.Thread(target=_answer_nonsense, args=[odd], daemon=True).start()
        url = f"http://127.0.0.1:{odd.getsockname()[1]}/"
        with running_agent(tmp_path, dependencies=[url]) as agent:
            wait_until(lambda: "is away" in str(agent.reason()), "the reason")
            reason = agent.reason()
        odd.shutdown(socket.SHUT_RDWR)
    assert reason == f"the dependency {url} is away: BadStatusLine"


def _answer_nonsense(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):  # at the end
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"\x15\x03\x00\x1b[31msecret\n")


def test_an_invalid_url_is_shown_without_its_query(tmp_path: Path) -> None:
    with running_agent(tmp_path, dependencies=["http://127.0.0.1:9/?token=se cret"]) as agent:
        wait_until(lambda: "is away" in str(agent.reason()), "the reason")
        assert agent.reason() == "the dependency http://127.0.0.1:9/ is away: InvalidURL"


@pytest.mark.parametrize("dependency", ["db", "db:", "db:http", "ftp://db/", ":5432", "db:99999"])
def test_an_invalid_dependency_is_refused_at_the_start(tmp_path: Path, dependency: str) -> None:
    with (
        pytest.raises(ConfigError, match="an http or https URL, or host:port"),
        running_agent(tmp_path, dependencies=[dependency]),
    ):
        pass


# --- Variables and secrets ----------------------------------------------------------------------

RETURNS_SECRET_LENGTH = """
import os
LENGTH = len(os.environ["SECRET_OF_A_TEST"])
def handle(inputs): return {"length": LENGTH}
"""


def test_a_variable_has_its_default_unless_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = """
import os
FOUND = {name: os.environ[name] for name in ("UNSET_BY_A_TEST", "SET_BY_A_TEST", "EMPTY_BY_A_TEST")}
def handle(inputs): return FOUND
"""
    monkeypatch.setenv("UNSET_BY_A_TEST", "")  # so that it is unset again at the end
    monkeypatch.delenv("UNSET_BY_A_TEST")
    monkeypatch.setenv("SET_BY_A_TEST", "set")
    monkeypatch.setenv("EMPTY_BY_A_TEST", "")
    names = ("UNSET_BY_A_TEST", "SET_BY_A_TEST", "EMPTY_BY_A_TEST")
    declared = dict.fromkeys(names, "$5 \"per\" 'day'")
    with running_agent(tmp_path, handler, os.environ, environment=declared) as agent:
        agent.wait_until_ready()
        assert list(agent.run().json().values()) == ["$5 \"per\" 'day'", "set", ""]


def test_a_secret_from_a_file_is_set_when_the_handler_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("SECRET_OF_A_TEST_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("SECRET_OF_A_TEST", "")  # so that it is put back at the end
    secrets: dict[str, Any] = {"secrets": ["SECRET_OF_A_TEST"]}
    with running_agent(tmp_path, RETURNS_SECRET_LENGTH, os.environ, **secrets) as agent:
        agent.wait_until_ready()
        assert agent.run().json() == {"length": 6}


def test_an_agent_without_its_secrets_is_not_ready_and_names_them(tmp_path: Path) -> None:
    with running_agent(tmp_path, RETURNS_SECRET_LENGTH, secrets=["SECRET_A", "SECRET_B"]) as agent:
        reason = str(agent.reason())
        answer = agent.run()
        assert agent.http.get("/health/live").is_success
        assert agent.lifecycle.status().status == "degraded"
    assert "the secret SECRET_A is missing: set SECRET_A, or SECRET_A_FILE" in reason
    assert "the secret SECRET_B is missing" in reason
    # The call may come from anybody.
    assert (answer.status_code, answer.json()["detail"]) == (503, "a secret is missing")


def test_a_variable_takes_precedence_over_its_file() -> None:
    environ = {"A": "here", "A_FILE": "/nowhere"}
    assert load_secrets(["A"], environ) is None
    assert environ["A"] == "here"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"\r\n", "it is empty"),
        (b"\xffsecret", "it is not UTF-8"),
        (b"sec\0ret", "it has a null byte"),
        (b"x" * (LARGEST_SECRET_BYTES + 1), "it has more than 65536 bytes"),
    ],
)
def test_an_unusable_secret_file_is_reported_without_its_content(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    environ = {"A_FILE": str(tmp_path / "secret")}
    problem_found = load_secrets(["A"], environ)
    assert problem_found == f"the secret A is missing: the file of A_FILE: {problem}"
    assert "A" not in environ


def test_a_pipe_as_a_secret_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    problem_found = load_secrets(["A"], {"A_FILE": str(tmp_path / "pipe")})
    assert problem_found == "the secret A is missing: the file of A_FILE: it is not a regular file"


@pytest.mark.parametrize(("path", "problem"), [("nothing", "No such file"), (".", "directory")])
def test_an_unreadable_secret_file_is_reported(tmp_path: Path, path: str, problem: str) -> None:
    assert problem in str(load_secrets(["A"], {"A_FILE": str(tmp_path / path)}))
