"""A2A 0.3: the card and the calls of clients that do not speak 1.0."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.compat.v0_3 import types as v0_3
from a2a.compat.v0_3.jsonrpc_transport import CompatJsonRpcTransport
from a2a.types import AgentCard, GetTaskRequest, Message, Part, Role, SendMessageRequest, Task

from tests.deploygen.runtime.a2a.calls import MESSAGE, WAITS, call, code_of, result_of, send
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

CARD = "/.well-known/agent-card.json"
TEXT = {"kind": "text", "text": "hello"}
SENT: dict[str, Any] = {"kind": "message", "messageId": "1", "role": "user", "parts": [TEXT]}


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("echo")) as agent:
        yield agent


def sent(agent: RunningAgent, *parts: dict[str, Any], **configuration: Any) -> v0_3.Task:
    message = SENT | {"parts": list(parts) or [TEXT]}
    params = {"message": message, "configuration": configuration}
    return v0_3.Task.model_validate(result_of(agent, "message/send", params))


def parts_of(task: v0_3.Task) -> list[dict[str, Any]]:
    [artifact] = task.artifacts or []
    return [part.model_dump(exclude_none=True) for part in artifact.parts]


def test_the_card_has_what_both_versions_want(echo: RunningAgent) -> None:
    card = echo.http.get(CARD).json()
    read = v0_3.AgentCard.model_validate(card)
    url = f"{echo.url}/a2a"
    assert (read.url, read.preferred_transport, read.protocol_version) == (url, "JSONRPC", "0.3.0")
    assert read.capabilities.streaming
    assert card["supportedInterfaces"] == [
        {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
    ]


def test_the_card_says_in_both_versions_that_a_token_is_needed(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": "a-token-of-16-characters"}) as agent:
        card = agent.http.get(CARD).json()
    read = v0_3.AgentCard.model_validate(card)
    assert read.security == [{"bearer": []}]
    [scheme] = (read.security_schemes or {}).values()
    assert isinstance(scheme.root, v0_3.HTTPAuthSecurityScheme)
    assert scheme.root.scheme == "Bearer"
    assert card["securitySchemes"]["bearer"]["httpAuthSecurityScheme"] == {"scheme": "Bearer"}
    assert card["securityRequirements"] == [{"schemes": {"bearer": {"list": []}}}]


def test_a_spec_can_do_without_0_3(tmp_path: Path) -> None:
    with running_agent(tmp_path, a2a_0_3=False) as agent:
        card = agent.http.get(CARD).json()
        assert not {"url", "preferredTransport", "protocolVersion"} & set(card)
        assert [each["protocolVersion"] for each in card["supportedInterfaces"]] == ["1.0"]
        answer = call(agent, "message/send", {"message": SENT})
        assert code_of(answer) == -32009
        assert answer.json()["error"]["message"] == "this agent speaks A2A 1.0"
        assert send(agent)["status"]["state"] == "TASK_STATE_COMPLETED"


def test_a_message_gets_a_task_in_the_form_of_0_3(echo: RunningAgent) -> None:
    task = sent(echo, TEXT, {"kind": "text", "text": "there", "metadata": {"n": 1}})
    assert task.status.state is v0_3.TaskState.completed
    data = {"kind": "data", "data": {"echo": {"input": "hello\nthere"}}}
    assert parts_of(task) == [{"kind": "text", "text": json.dumps(data["data"])}, data]
    [message] = task.history or []
    assert message.model_dump(exclude_none=True, by_alias=True) == {
        **SENT,
        "role": v0_3.Role.user,
        "parts": [TEXT, {"kind": "text", "text": "there", "metadata": {"n": 1}}],
        "taskId": task.id,
        "contextId": task.context_id,
    }
    again = v0_3.Task.model_validate(result_of(echo, "tasks/get", {"id": task.id}))
    assert again == task
    short = result_of(echo, "tasks/get", {"id": task.id, "historyLength": 0})
    assert "history" not in short


def test_data_and_modes_are_those_of_0_3(echo: RunningAgent) -> None:
    task = sent(echo, {"kind": "data", "data": {"a": 1}}, acceptedOutputModes=["text"])
    assert parts_of(task) == [{"kind": "text", "text": '{"echo": {"a": 1}}'}]


def test_a_task_can_be_seen_in_both_versions(echo: RunningAgent) -> None:
    task = sent(echo)
    in_1_0 = result_of(echo, "GetTask", {"id": task.id})
    assert in_1_0["history"][0]["role"] == "ROLE_USER"
    assert in_1_0["history"][0]["parts"] == [{"text": "hello"}]
    other = send(echo)
    read = v0_3.Task.model_validate(result_of(echo, "tasks/get", {"id": other["id"]}))
    assert read.id == other["id"]


def test_a_call_that_does_not_block_can_be_polled_and_cancelled(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS) as agent:
        task = sent(agent, blocking=False)
        assert task.status.state is v0_3.TaskState.working
        ended = v0_3.Task.model_validate(result_of(agent, "tasks/cancel", {"id": task.id}))
        assert ended.status.state is v0_3.TaskState.canceled


def test_a_failed_task_has_a_message_in_the_form_of_0_3(tmp_path: Path) -> None:
    with running_agent(tmp_path, "def handle(inputs): return inputs['missing']") as agent:
        task = sent(agent, blocking=True)
    assert task.status.state is v0_3.TaskState.failed
    assert task.status.message is not None
    assert task.status.message.role is v0_3.Role.agent
    assert "KeyError" in task.status.message.parts[0].root.text  # type: ignore[union-attr]


def test_a_stream_has_the_events_of_0_3(tmp_path: Path) -> None:
    handler = "def handle(inputs):\n yield 'a'\n yield 'b'"
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": SENT}}
    with (
        running_agent(tmp_path, handler) as agent,
        agent.http.stream("POST", "/a2a", json=body) as answer,
    ):
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    events = [v0_3.SendStreamingMessageSuccessResponse.model_validate_json(each) for each in lines]
    [first, *chunks, last] = [event.result for event in events]
    assert isinstance(first, v0_3.Task)
    texts = []
    for chunk in chunks:
        assert isinstance(chunk, v0_3.TaskArtifactUpdateEvent)
        texts.append((chunk.artifact.parts[0].root.text, chunk.append, chunk.last_chunk))  # type: ignore[union-attr]
    assert texts == [("a", False, False), ("b", True, False), ("ab", False, True)]
    assert isinstance(last, v0_3.TaskStatusUpdateEvent)
    assert (last.final, last.status.state) == (True, v0_3.TaskState.completed)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("message/send", {}, -32602),
        ("message/send", {"message": "hello"}, -32602),
        ("message/send", {"message": SENT | {"role": "agent"}}, -32602),
        ("message/send", {"message": SENT | {"role": ["user"]}}, -32602),
        ("message/send", {"message": SENT | {"parts": TEXT}}, -32602),
        ("message/send", {"message": SENT | {"parts": ["hello"]}}, -32602),
        ("message/send", {"message": SENT | {"parts": [{"text": "no kind"}]}}, -32602),
        ("message/send", {"message": SENT | {"parts": [{"kind": "text", "text": 1}]}}, -32602),
        (
            "message/send",
            {"message": SENT | {"parts": [{"kind": "file", "file": {"uri": "http://me"}}]}},
            -32005,
        ),
        ("message/send", {"message": SENT, "configuration": {"blocking": "no"}}, -32602),
        ("message/send", {"message": SENT, "configuration": 1}, -32602),
        (
            "message/send",
            {"message": SENT, "configuration": {"pushNotificationConfig": {"url": "http://me"}}},
            -32003,
        ),
        ("tasks/get", {"id": "unknown"}, -32001),
        ("tasks/resubscribe", {"id": "unknown"}, -32001),
        ("tasks/pushNotificationConfig/set", {}, -32003),
        ("agent/getAuthenticatedExtendedCard", {}, -32004),
        ("tasks/list", {}, -32601),
    ],
)
def test_invalid_calls_get_their_error_code(
    echo: RunningAgent, method: str, params: Any, code: int
) -> None:
    assert code_of(call(echo, method, params)) == code


@pytest.mark.parametrize(
    ("method", "version", "code"),
    [
        ("message/send", "", None),
        ("message/send", "0.3", None),
        ("message/send", "0.3.0", None),
        ("message/send", "1.0", -32601),
        ("message/send", "0.2", -32009),
        ("SendMessage", "0.3", -32601),
    ],
)
def test_the_version_decides_how_a_call_is_read(
    echo: RunningAgent, method: str, version: str, code: int | None
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method}
    message = SENT if "/" in method else MESSAGE
    answer = echo.http.post(
        "/a2a", json=body | {"params": {"message": message}}, headers={"A2A-Version": version}
    )
    assert answer.json().get("error", {}).get("code") == code


def test_the_sdk_speaks_0_3_with_the_agent(echo: RunningAgent) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            transport = CompatJsonRpcTransport(http, AgentCard(), f"{echo.url}/a2a")
            message = Message(message_id="1", role=Role.ROLE_USER, parts=[Part(text="hello")])
            request = SendMessageRequest(message=message)
            task = (await transport.send_message(request)).task
            assert task.artifacts[0].parts[0].text == '{"echo": {"input": "hello"}}'
            assert await transport.get_task(GetTaskRequest(id=task.id)) == task
            events = [each async for each in transport.send_message_streaming(request)]
            assert isinstance(events[0].task, Task)
            assert events[-1].status_update.status.state == task.status.state

    asyncio.run(scenario())
