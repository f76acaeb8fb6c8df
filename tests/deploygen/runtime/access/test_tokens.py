"""Calls with and without a bearer token."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest
from a2a.client import (
    AuthInterceptor,
    ClientCallContext,
    ClientConfig,
    CredentialService,
    create_client,
)
from a2a.helpers import new_data_part, new_message
from a2a.types import Role, SendMessageRequest, TaskState

from deploygen.runtime.access import tokens as access_tokens
from deploygen.runtime.access.guard import OPEN_TO_ALL
from deploygen.runtime.config import ConfigError
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

TOKEN = "0123456789abcdef-a"
OTHER = "0123456789abcdef-b"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


def calls(agent: RunningAgent, headers: dict[str, str]) -> set[int]:
    """Return how the agent's own endpoints respond, other than that they need no token."""
    return {
        agent.http.request(method, path, json={}, headers=headers).status_code
        for method, path in [
            ("POST", "/run"),
            ("POST", "/run/"),
            ("GET", "/status/x"),
            ("HEAD", "/status/x"),
            ("DELETE", "/status/x"),
            ("POST", "/a2a"),
        ]
    }


def test_an_agent_without_tokens_serves_everybody(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert 401 not in calls(agent, {})
        assert 401 not in calls(agent, RIGHT)


def test_a_token_that_is_sent_to_an_agent_without_tokens_is_not_looked_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    later = iter([0.0, 60.0])
    tokens = access_tokens.AccessTokens({}, lambda: next(later))

    assert not tokens.accept(f"Bearer {TOKEN}")
    assert not caplog.records


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN},{OTHER}",
        "Bearer \xe9",
    ],
)
def test_a_call_without_one_of_the_tokens_is_refused(tmp_path: Path, sent: str | None) -> None:
    headers = {} if sent is None else {b"Authorization": sent.encode("latin-1")}
    with running_agent(tmp_path, environ={"AGENT_TOKENS": f"{TOKEN} {OTHER}"}) as agent:
        answer = agent.http.post("/run", json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="agent"')
    assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(sent)
    assert isinstance(answer.json()["detail"], str)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n"])
def test_each_of_the_tokens_opens_all_endpoints(tmp_path: Path, separator: str) -> None:
    environ = {"AGENT_TOKENS": f"{TOKEN}{separator}{OTHER}"}
    with running_agent(tmp_path, environ=environ) as agent:
        assert calls(agent, {}) == {401}
        for token in (TOKEN, OTHER):
            for scheme in ("Bearer", "bearer", "BEARER"):
                assert 401 not in calls(agent, {"Authorization": f"{scheme} {token}"})


def test_without_a_token_exactly_descriptions_and_health_checks_are_open(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": TOKEN}) as agent:
        agent.http.headers.update(RIGHT)
        agent.wait_until_ready()
        agent.http.headers.pop("Authorization")
        paths = {route.path for route in agent.app.routes if hasattr(route, "path")}
        answers = {path: agent.http.get(path) for path in paths | {"/nothing"}}
    assert paths > OPEN_TO_ALL
    assert {path for path, each in answers.items() if each.status_code == 200} == OPEN_TO_ALL
    assert {each.status_code for path, each in answers.items() if path not in OPEN_TO_ALL} == {401}


def test_a_token_file_is_read_again_when_it_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_tokens, "REREAD_SECONDS", 0.0)
    file, new = tmp_path / "tokens", tmp_path / "new"
    file.write_text(f"{TOKEN}\n")
    with running_agent(tmp_path, environ={"AGENT_TOKENS_FILE": str(file)}) as agent:
        assert 401 not in calls(agent, RIGHT)
        new.write_text(f"{OTHER}\n")
        new.replace(file)
        assert calls(agent, RIGHT) == {401}
        assert 401 not in calls(agent, {"Authorization": f"Bearer {OTHER}"})
        file.unlink()
        # The last known ones stay valid.
        assert 401 not in calls(agent, {"Authorization": f"Bearer {OTHER}"})
        assert calls(agent, {}) == {401}
    problems = [each.message for each in caplog.records if each.name == "agent.access"]
    assert len(problems) == 1
    assert "AGENT_TOKENS_FILE: No such file" in problems[0]


@pytest.mark.parametrize(
    "environ",
    [
        {"AGENT_TOKENS": "short"},
        {"AGENT_TOKENS": f"{TOKEN} short"},
        {"AGENT_TOKENS": "x" * 513},
        {"AGENT_TOKENS": f"{TOKEN}é"},
        {"AGENT_TOKENS": " , "},
        {"AGENT_TOKENS_FILE": "/nowhere"},
        {"AGENT_TOKENS_FILE": os.devnull},
    ],
)
def test_an_agent_whose_tokens_cannot_be_used_does_not_start(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="AGENT_TOKENS") as raised:
        running_agent(tmp_path, environ=environ).__enter__()
    assert TOKEN not in str(raised.value)
    assert "short" not in str(raised.value)


def test_an_empty_variable_requires_no_token(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": ""}) as agent:
        assert 401 not in calls(agent, {})


def test_the_openapi_document_and_the_docs_show_who_needs_a_token(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": TOKEN}) as agent:
        document = agent.http.get("/openapi.json").json()
        page = agent.http.get("/docs").text
    schemes = document["components"]["securitySchemes"]
    assert schemes == {"bearer": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path not in OPEN_TO_ALL)
            assert ("401" in operation["responses"]) == (path not in OPEN_TO_ALL)
    assert "Authorization: Bearer $TOKEN" in page


def test_the_openapi_document_of_an_open_agent_asks_for_no_token(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        document = agent.http.get("/openapi.json").text
        assert agent.http.get("/openapi.json").text == document
        assert "Bearer" not in agent.http.get("/docs").text
    assert "security" not in document


class Credentials(CredentialService):
    async def get_credentials(
        self,
        security_scheme_name: str,
        context: ClientCallContext | None,  # noqa: ARG002
    ) -> str | None:
        assert security_scheme_name == "bearer"
        return TOKEN


def test_the_official_client_learns_from_the_card_to_send_its_token(tmp_path: Path) -> None:
    async def scenario(url: str) -> TaskState:
        async with httpx.AsyncClient(timeout=30) as http:
            client = await create_client(
                url,
                ClientConfig(httpx_client=http, streaming=False),
                interceptors=[AuthInterceptor(Credentials())],
            )
            message = new_message([new_data_part({"a": 1})], role=Role.ROLE_USER)
            sent = SendMessageRequest(message=message)
            answers = [each async for each in client.send_message(sent)]
            return answers[-1].task.status.state

    with running_agent(tmp_path, environ={"AGENT_TOKENS": TOKEN}) as agent:
        state = asyncio.run(scenario(agent.url))
    assert state == TaskState.TASK_STATE_COMPLETED
