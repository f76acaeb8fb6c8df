"""POST /a2a with raw JSON-RPC, valid and invalid."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploygen.runtime.a2a.messages import inputs_of
from deploygen.runtime.a2a.tasks import task_of
from deploygen.runtime.config import Declared
from deploygen.runtime.handler.contract import make_contract
from deploygen.runtime.jobs import Job
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

MESSAGE = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "hello"}]}
WAITS = """
import asyncio
async def handle(inputs): await asyncio.Event().wait()
"""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("echo")) as agent:
        yield agent


def call(agent: RunningAgent, method: Any, params: Any = None, **more: Any) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params} | more
    return agent.http.post("/a2a", json={k: v for k, v in body.items() if v is not None})


def code_of(answer: httpx.Response) -> int:
    assert answer.status_code == 200
    body = answer.json()
    assert body["jsonrpc"] == "2.0"
    assert set(body) == {"jsonrpc", "id", "error"}
    code: int = body["error"]["code"]
    return code


def test_a_response_has_the_id_of_its_request(echo: RunningAgent) -> None:
    for call_id in (7, "seven", ""):
        answer = call(echo, "SendMessage", {"message": MESSAGE}, id=call_id).json()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", call_id)
        [artifact] = answer["result"]["task"]["artifacts"]
        assert artifact["parts"] == [
            {"data": {"echo": {"input": "hello"}}, "mediaType": "application/json"}
        ]


@pytest.mark.parametrize(
    "result",
    [
        '{"text": "plain"}', '{"text": ""}', '{"te\\"xt": "\\"quoted\\", \\u00e9, \\\\"}',
        '{"text": "a", "more": "b"}', '{"text": ["a"]}', '{"text": {"a": "b"}}', '{"n": 1}', "{}",
    ],
)  # fmt: skip
def test_a_caller_that_accepts_only_text_gets_the_only_text_or_the_result_as_json(
    tmp_path: Path, result: str
) -> None:
    params = {"message": MESSAGE, "configuration": {"acceptedOutputModes": ["text/plain"]}}
    expected = json.loads(result)
    with running_agent(tmp_path, f"def handle(inputs): return {expected!r}") as agent:
        task = call(agent, "SendMessage", params).json()["result"]["task"]
        assert call(agent, "GetTask", {"id": task["id"]}).json()["result"] == task
    [part] = task["artifacts"][0]["parts"]
    assert part["mediaType"] == "text/plain"
    values = list(expected.values())
    if len(values) == 1 and isinstance(values[0], str):
        assert part["text"] == values[0]
    else:
        assert json.loads(part["text"]) == expected


def test_a_task_has_its_context_and_the_handlers_result(
    echo: RunningAgent,
) -> None:
    message = {**MESSAGE, "contextId": "c" * 256, "parts": [{"data": {"a": "\u00e9", "b": [0.5]}}]}
    task = call(echo, "SendMessage", {"message": message}).json()["result"]["task"]
    assert task["contextId"] == "c" * 256
    assert task["artifacts"][0]["parts"][0]["data"] == {"echo": {"a": "\u00e9", "b": [0.5]}}
    assert call(echo, "GetTask", {"id": task["id"]}).json()["result"] == task


def test_a_lone_surrogate_in_a_result_fails_here_and_at_run(tmp_path: Path) -> None:
    with running_agent(tmp_path, "def handle(inputs): return {'a': '\\ud800'}") as agent:
        task = call(agent, "SendMessage", {"message": MESSAGE}).json()["result"]["task"]
        answer = agent.run()
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    error = task["status"]["message"]["parts"][0]["text"]
    assert error.startswith("the result of handle() is not JSON")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("the result of handle() is not JSON")


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
        (b'{"jsonrpc": "2.0", "id": 1, "method": "message/send"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "__init__"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": [1]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": 5}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendMessage"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage"}', -32004),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "CreateTaskPushNotificationConfig"}', -32003),
    ],
)
def test_an_invalid_request_gets_its_error_code(echo: RunningAgent, body: bytes, code: int) -> None:
    headers = {"Content-Type": "application/json"}
    assert code_of(echo.http.post("/a2a", content=body, headers=headers)) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messageId": ""}, -32602),
        ({"messageId": None}, -32602),
        ({"role": "ROLE_AGENT"}, -32602),
        ({"role": None}, -32602),
        ({"parts": []}, -32602),
        ({"parts": {}}, -32602),
        ({"parts": ["hello"]}, -32602),
        ({"parts": [{}]}, -32602),
        ({"parts": [{"data": [1]}]}, -32602),
        ({"parts": [{"raw": "AAAA"}]}, -32005),
        ({"parts": [{"url": "http://169.254.169.254/"}]}, -32005),
        ({"taskId": "unknown"}, -32001),
        ({"taskId": 5}, -32602),
        ({"contextId": "c" * 257}, -32602),
    ],
)
def test_an_invalid_message_gets_its_error_code(
    echo: RunningAgent, change: dict[str, Any], code: int
) -> None:
    assert code_of(call(echo, "SendMessage", {"message": {**MESSAGE, **change}})) == code


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ([], -32602),
        ({"taskPushNotificationConfig": {"url": "http://me"}}, -32003),
        ({"acceptedOutputModes": ["image/png"]}, -32005),
        ({"acceptedOutputModes": "text/plain"}, -32005),
        ({"acceptedOutputModes": [{}]}, -32005),
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
    ("version", "code"), [("1.0", None), ("1.3", None), ("", None), ("0.3", -32009), ("2", -32009)]
)
def test_only_version_1_is_supported(echo: RunningAgent, version: str, code: int | None) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": MESSAGE}}
    answer = echo.http.post("/a2a", json=body, headers={"A2A-Version": version})
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
            "message": "the agent runs as many jobs as it may: 1",
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


@pytest.mark.parametrize("wants_text", [False, True])
def test_a_result_is_copied_into_the_task_without_parsing_it(
    wants_text: bool,
) -> None:
    async def a_job() -> Job:
        return Job()

    job = asyncio.run(a_job())
    job.state, job.wants_text = "done", wants_text
    job.result = b'{"as it is":[1.50]}'
    task = task_of(job)
    [part] = json.loads(task)["artifacts"][0]["parts"]
    if wants_text:
        assert part == {"text": job.result.decode(), "mediaType": "text/plain"}
    else:
        assert job.result in task
        assert part == {"data": {"as it is": [1.5]}, "mediaType": "application/json"}


# --- From parts to inputs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "target"),
    [
        ([], "input"),
        (
            [
                Declared(name="prompt", type="string"),
                Declared(name="system", type="string", required=False),
            ],
            "prompt",
        ),
        (
            [
                Declared(name="n", type="integer"),
                Declared(name="note", type="string", required=False),
            ],
            "note",
        ),
    ],
)
def test_text_is_assigned_to_the_only_possible_input(declared: list[Declared], target: str) -> None:
    message = {"parts": [{"data": {"n": 1.0}}, {"text": "hello"}]}
    assert inputs_of(message, make_contract(declared)) == {"n": 1, target: "hello"}


def test_text_with_two_possible_inputs_is_refused() -> None:
    contract = make_contract([Declared(name="a", type="string"), Declared(name="b", type="string")])
    with pytest.raises(ValueError, match="send a data part"):
        inputs_of({"parts": [{"text": "hello"}]}, contract)


def test_whole_numbers_become_integers_at_every_depth() -> None:
    data = {"a": [1.0, {"b": -2.0}], "c": 0.5, "d": 1e300, "e": True, "f": "1.0"}
    inputs = inputs_of({"parts": [{"data": data}]}, make_contract([]))
    assert repr(inputs) == repr({"a": [1, {"b": -2}], "c": 0.5, "d": 1e300, "e": True, "f": "1.0"})
