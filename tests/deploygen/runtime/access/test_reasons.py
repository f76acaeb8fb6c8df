"""Who sees why an agent is not ready."""

import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_until

TOKEN = "0123456789abcdef"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def unused_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"127.0.0.1:{unused.getsockname()[1]}"


UNREADY: list[tuple[dict[str, Any], str, str]] = [
    ({"secrets": ["A_KEY"]}, "a secret is missing", "the secret A_KEY is missing: "),
    ({"dependencies": [unused_address()]}, "a dependency is away", "the dependency 127.0.0.1:"),
]


@pytest.mark.parametrize(("more", "general", "detail"), UNREADY)
def test_only_callers_with_a_token_see_names(
    tmp_path: Path, more: dict[str, Any], general: str, detail: str
) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": TOKEN}, **more) as agent:
        wait_until(lambda: detail in str(agent.reason()), "the reason")

        def seen(**headers: str) -> str:
            answer = agent.http.get("/health/ready", headers=headers)
            assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
            reason: str = answer.json()["reason"]
            return reason

        assert seen() == general
        assert seen(Authorization="Bearer wrong") == general
        assert seen(**WITH_TOKEN).startswith(detail)
        assert agent.lifecycle.status().note.startswith(detail)


@pytest.mark.parametrize(("more", "general", "detail"), UNREADY)
def test_without_tokens_nobody_sees_names_but_the_log_has_them(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    more: dict[str, Any],
    general: str,
    detail: str,
) -> None:
    caplog.set_level(logging.INFO)
    with running_agent(tmp_path, **more) as agent:
        wait_until(lambda: detail in str(agent.reason()), "the reason")
        answer = agent.http.get("/health/ready", headers=WITH_TOKEN)
    assert answer.json() == {"status": "not ready", "reason": general}
    assert detail in caplog.text


def test_a_handler_that_cannot_be_loaded_is_explained_to_callers_with_a_token(
    tmp_path: Path,
) -> None:
    environ = {"AGENT_TOKENS": TOKEN}
    with running_agent(tmp_path, "import no_such_module_of_ours", environ) as agent:
        wait_until(lambda: "no_such_module" in str(agent.reason()), "the reason")
        general = agent.http.get("/health/ready").json()["reason"]
        detail = agent.http.get("/health/ready", headers=WITH_TOKEN).json()["reason"]
    assert general.startswith("the handler cannot be loaded; the agent's log has more, under ")
    assert detail.startswith("the handler cannot be loaded: ModuleNotFoundError: no_such_module")


def test_a_dependency_that_goes_and_comes_back_is_logged_once_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploygen.runtime.dependencies.RETRY_SECONDS", 0.01)
    caplog.set_level(logging.INFO, logger="agent.dependencies")
    address = unused_address()
    with running_agent(tmp_path, dependencies=[address]) as agent:
        wait_until(lambda: "Refused" in str(agent.reason()), "the reason")
        host, port = address.split(":")
        with socket.create_server((host, int(port))):
            agent.wait_until_ready()
    lines = [each.message for each in caplog.records if each.name == "agent.dependencies"]
    assert lines[0].startswith(f"the dependency {address} is away: ConnectionRefusedError")
    assert lines[1:] == [f"the dependency {address} is back"]
