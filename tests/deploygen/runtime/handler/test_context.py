"""What a handler learns of a call by its parameter `context`."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime.handler.context import Context
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

TELLS = """
def handle(inputs, context):
    return {
        "run_id": context.run_id,
        "request_id": context.request_id,
        "caller": context.caller,
        "header": context.headers.get("X-Tenant"),
        "context_id": context.context_id,
    }
"""
CALLABLE = """
class Handle:
    def __call__(self, inputs, context): return {"id": context.request_id}
handle = Handle()
"""
REPORTS = """
import pathlib, time
def handle(inputs, context):
    context.progress(0.5)
    context.progress(0.75, "three quarters")
    context.logger.info("working")
    while not pathlib.Path(inputs["until"]).exists(): time.sleep(0.01)
    return {}
"""


def test_a_handler_sees_the_request(tmp_path: Path) -> None:
    headers = {"x-tenant": "acme", "X-Request-ID": "abc"}
    with running_agent(tmp_path, TELLS) as agent:
        found = agent.http.post("/run", json={}, headers=headers).json()
    assert found["run_id"]
    assert found == {
        "run_id": found["run_id"],
        "request_id": "abc",
        "caller": "127.0.0.1",
        "header": "acme",
        "context_id": found["run_id"],
    }


def test_the_caller_is_the_one_that_a_trusted_proxy_names(tmp_path: Path) -> None:
    environ = {"AGENT_TRUSTED_PROXIES": "127.0.0.0/8"}
    headers = {"X-Forwarded-For": "192.0.2.9, 2001:db8::7"}
    with running_agent(tmp_path, TELLS, environ) as agent:
        found = agent.http.post("/run", json={}, headers=headers).json()
    assert found["caller"] == "2001:db8::7"


def test_a_handler_sees_the_conversation_and_task_of_a2a(tmp_path: Path) -> None:
    message = {
        "messageId": "1",
        "role": "ROLE_USER",
        "contextId": "a-talk",
        "parts": [{"data": {}}],
    }
    call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    headers = {"X-Tenant": "acme", "A2A-Version": "1.0"}
    with running_agent(tmp_path, TELLS) as agent:
        task = agent.http.post("/a2a", json=call, headers=headers).json()["result"]["task"]
    [artifact] = task["artifacts"]
    found = next(part["data"] for part in artifact["parts"] if "data" in part)
    assert (task["contextId"], found["context_id"]) == ("a-talk", "a-talk")
    assert (found["run_id"], found["header"]) == (task["id"], "acme")


@pytest.mark.parametrize(
    "handler",
    [
        "async def handle(inputs, context): return {'id': context.request_id}",
        "def handle(inputs, *, context): return {'id': context.request_id}",
        "def handle(inputs, context=None): return {'id': context.request_id}",
        "def handle(inputs, context): yield {'id': context.request_id}",
        "async def handle(inputs, context): yield {'id': context.request_id}",
        CALLABLE,
    ],
)
def test_every_kind_of_handler_may_take_the_context(tmp_path: Path, handler: str) -> None:
    with running_agent(tmp_path, handler) as agent:
        answer = agent.http.post("/run", json={}, headers={"X-Request-ID": "abc"})
    assert answer.json() == {"id": "abc"}


@pytest.mark.parametrize(
    "handler",
    [
        "def handle(inputs, more=1): return {'more': more}",
        "def handle(inputs, more=1, **context): return {'more': more, **context}",
        "def handle(inputs, context=1, /, more=1): return {'more': context}",
    ],
)
def test_other_parameters_keep_their_defaults(tmp_path: Path, handler: str) -> None:
    with running_agent(tmp_path, handler) as agent:
        assert agent.run().json() == {"more": 1}


def status(agent: RunningAgent, url: str) -> dict[str, Any]:
    found: dict[str, Any] = agent.http.get(url).json()
    return found


def test_progress_is_in_the_status_while_the_job_runs(tmp_path: Path) -> None:
    with running_agent(tmp_path, REPORTS, sync_timeout=0.05) as agent:
        url = agent.run(until=str(tmp_path / "done")).json()["status_url"]
        wait_until(lambda: "message" in status(agent, url).get("progress", {}), "the report")
        assert status(agent, url)["progress"] == {"fraction": 0.75, "message": "three quarters"}
        (tmp_path / "done").touch()
        wait_until(lambda: status(agent, url)["status"] == "done", "its end")
        assert "progress" not in status(agent, url)


def test_progress_is_an_event_of_a_stream(tmp_path: Path) -> None:
    handler = """
async def handle(inputs, context):
    yield "a"
    for percent in range(100):
        context.progress(percent / 100)
    context.progress(message="saving")
    yield "b"
"""
    with running_agent(tmp_path, handler) as agent:
        answer = agent.http.post("/run", json={}, headers={"Accept": "text/event-stream"})
    events = [event.split("\n") for event in answer.text.split("\n\n") if event]
    found = [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in events]
    # Of reports that no client has seen, the latest counts.
    assert found == [
        ("piece", "a"),
        ("progress", {"message": "saving"}),
        ("piece", "b"),
        ("result", {"output": "ab"}),
    ]


def test_progress_is_the_status_of_a_task_in_a2a(tmp_path: Path) -> None:
    message = {"messageId": "1", "role": "ROLE_USER", "parts": [{"data": {}}]}
    params = {"message": message}
    call = {"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage", "params": params}
    handler = """
async def handle(inputs, context):
    context.progress(0.5)
    yield "a"
    context.progress(0.75, "saving")
"""
    with running_agent(tmp_path, handler) as agent:
        answer = agent.http.post("/a2a", json=call, headers={"A2A-Version": "1.0"})
    events = [json.loads(line[6:])["result"] for line in answer.text.split("\n") if line[:1] == "d"]
    statuses = [event["statusUpdate"]["status"] for event in events if "statusUpdate" in event]
    found = [
        (status["state"], [part["text"] for part in status.get("message", {}).get("parts", [])])
        for status in statuses
    ]
    assert found == [
        ("TASK_STATE_WORKING", ["50%"]),
        ("TASK_STATE_WORKING", ["saving"]),
        ("TASK_STATE_COMPLETED", []),
    ]


@pytest.mark.parametrize("fraction", [-0.1, 1.1, 50, float("nan")])
def test_a_fraction_beyond_one_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="the fraction must be from 0 to 1"):
        Context().progress(fraction)


def test_a_handlers_log_lines_have_the_requests_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with running_agent(tmp_path, REPORTS) as agent:
        (tmp_path / "done").touch()
        assert agent.run(until=str(tmp_path / "done")).status_code == 200
    assert [record.name for record in caplog.records if record.message == "working"] == [
        "agent.handler"
    ]
