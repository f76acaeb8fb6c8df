"""POST /a2a with raw JSON-RPC, valid and invalid."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.a2a.calls import MESSAGE, WAITS, call, code_of, send
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("echo")) as agent:
        yield agent


def test_a_response_has_the_id_of_its_request(echo: RunningAgent) -> None:
    for call_id in (7, "seven", ""):
        answer = call(echo, "SendMessage", {"message": MESSAGE}, id=call_id).json()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", call_id)
        assert answer["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


def test_an_error_has_the_id_of_its_request_whatever_else_is_wrong(echo: RunningAgent) -> None:
    for wrong in ({"jsonrpc": "1.0"}, {"jsonrpc": 2}, {"method": 5}, {"params": "none"}):
        assert call(echo, **({"method": "GetTask", "id": "mine"} | wrong)).json()["id"] == "mine"
    assert call(echo, "GetTask", id=1.5).json()["id"] is None


def test_a_slash_at_the_end_of_the_path_makes_no_difference(echo: RunningAgent) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": MESSAGE}}
    answer = echo.http.post("/a2a/", json=body, follow_redirects=False)
    assert answer.json()["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


def test_a_message_is_answered_at_its_end_or_at_once(tmp_path: Path) -> None:
    """Whatever the timeout of POST /run."""
    handler = """
import asyncio
async def handle(inputs):
    await asyncio.sleep(0.2)
    return {}
"""
    with running_agent(tmp_path, handler, sync_timeout=0.01) as agent:
        agent.wait_until_ready()
        assert agent.run().status_code == 202
        for configuration in ({}, {"returnImmediately": False}, {"returnImmediately": None}):
            assert send(agent, **configuration)["status"]["state"] == "TASK_STATE_COMPLETED"
        task = send(agent, returnImmediately=True)
        assert task["status"]["state"] == "TASK_STATE_WORKING"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (b'{"jsonrpc": "2.0", "id": NaN}', -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "GetTask"}]', -32600),
        (b'{"id": 1, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tasks/forget"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "__init__"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": [1]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": 5}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendMessage"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetExtendedAgentCard"}', -32004),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "CreateTaskPushNotificationConfig"}', -32003),
    ],
)
def test_an_invalid_request_gets_its_error_code(echo: RunningAgent, body: bytes, code: int) -> None:
    headers = {"Content-Type": "application/json"}
    assert code_of(echo.http.post("/a2a", content=body, headers=headers)) == code


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ([], -32602),
        ({"returnImmediately": "yes"}, -32602),
        ({"taskPushNotificationConfig": {"url": "http://me"}}, -32003),
    ],
)
def test_an_unsupported_configuration_gets_its_error_code(
    echo: RunningAgent, configuration: Any, code: int
) -> None:
    params = {"message": MESSAGE, "configuration": configuration}
    assert code_of(call(echo, "SendMessage", params)) == code


def test_errors_of_the_protocol_have_a_reason(echo: RunningAgent) -> None:
    error = call(echo, "GetTask", {"id": "unknown"}).json()["error"]
    assert error["data"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "TASK_NOT_FOUND",
            "domain": "a2a-protocol.org",
        }
    ]


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("1.0", None),
        ("1.0.7", None),
        ("", None),
        ("1.1", -32009),
        ("0.2", -32009),
        ("2", -32009),
        ("1.0x", -32009),
    ],
)
def test_only_version_1_0_is_supported(echo: RunningAgent, version: str, code: int | None) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": MESSAGE}}
    in_header = echo.http.post("/a2a", json=body, headers={"A2A-Version": version})
    in_query = echo.http.post("/a2a", json=body, params={"A2A-Version": version})
    for answer in (in_header, in_query):
        assert answer.json().get("error", {}).get("code") == code


def test_a_body_that_is_too_large_or_not_json_gets_an_http_status(echo: RunningAgent) -> None:
    headers = {"Content-Type": "application/json"}
    large = echo.http.post("/a2a", content=b"x" * 2**21, headers=headers)
    assert large.status_code == 413
    assert echo.http.post("/a2a", content=b"{}").status_code == 415


def test_too_many_jobs_get_503_with_retry_after(tmp_path: Path) -> None:
    params = {"message": MESSAGE, "configuration": {"returnImmediately": True}}
    with running_agent(tmp_path, WAITS, {"AGENT_DRAIN_SECONDS": "0.01"}, max_jobs=1) as agent:
        assert "result" in call(agent, "SendMessage", params).json()
        refused = call(agent, "SendMessage", params)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json()["error"] == {
            "code": -32603,
            "message": "the limit of running jobs is reached: 1",
        }


def test_a_stopping_agent_refuses_messages(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, {"AGENT_DRAIN_SECONDS": "600"}, sync_timeout=0.01) as agent:
        agent.wait_until_ready()
        assert agent.run().status_code == 202
        agent.lifecycle.request_stop()
        wait_until(lambda: agent.lifecycle.draining, "draining")
        refused = call(agent, "SendMessage", {"message": MESSAGE})
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            503,
            "the agent is stopping",
        )
        agent.lifecycle.request_stop()
