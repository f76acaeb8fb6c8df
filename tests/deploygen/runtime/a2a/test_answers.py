"""What the task of a message holds: the result as data or text, and the history."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime.a2a.tasks import task_of
from deploygen.runtime.a2a.wire import V1
from deploygen.runtime.jobs import Job, Output
from tests.deploygen.runtime.a2a.calls import MESSAGE, call, code_of, parts_of, result_of, send
from tests.deploygen.runtime.running_agent import running_agent

TEXT, DATA = {"text": "hello"}, {"data": {"input": "hello"}}
WORD = "def handle(inputs): return {'word': inputs['input']}"
PAIR = "def handle(inputs): return {'word': inputs['input'], 'n': 1}"
AS_TEXT = {"text": "hello", "mediaType": "text/plain"}
PAIR_AS_TEXT = {"text": '{"word": "hello", "n": 1}', "mediaType": "text/plain"}
PAIR_AS_DATA = {"data": {"word": "hello", "n": 1}, "mediaType": "application/json"}


@pytest.mark.parametrize(
    ("handler", "sent", "modes", "answer"),
    [
        (WORD, [TEXT], [], [AS_TEXT]),
        (PAIR, [TEXT], [], [PAIR_AS_TEXT, PAIR_AS_DATA]),
        (PAIR, [DATA], [], [PAIR_AS_DATA]),
        (PAIR, [TEXT, DATA], [], [PAIR_AS_DATA]),
        (PAIR, [TEXT], ["application/json"], [PAIR_AS_DATA]),
        (PAIR, [TEXT], ["*/*"], [PAIR_AS_TEXT, PAIR_AS_DATA]),
        (PAIR, [DATA], ["text/plain", "application/json"], [PAIR_AS_DATA]),
        (PAIR, [DATA], ["text/plain"], [PAIR_AS_TEXT]),
        (PAIR, [DATA], ["text"], [PAIR_AS_TEXT]),
        (PAIR, [DATA], ["image/png", "Text/Plain; charset=utf-8"], [PAIR_AS_TEXT]),
        (WORD, [DATA], ["text/*"], [AS_TEXT]),
    ],
)
def test_an_answer_is_what_the_caller_sent_unless_it_says_what_it_accepts(
    tmp_path: Path,
    handler: str,
    sent: list[dict[str, Any]],
    modes: list[str],
    answer: list[dict[str, Any]],
) -> None:
    with running_agent(tmp_path, handler) as agent:
        task = send(agent, *sent, acceptedOutputModes=modes)
        assert parts_of(task) == answer
        assert result_of(agent, "GetTask", {"id": task["id"]}) == task


@pytest.mark.parametrize(
    ("modes", "code"),
    [(["image/png"], -32005), ("text/plain", -32602), ([{}], -32602)],
)
def test_unsupported_output_modes_are_refused(tmp_path: Path, modes: Any, code: int) -> None:
    params = {"message": MESSAGE, "configuration": {"acceptedOutputModes": modes}}
    with running_agent(tmp_path) as agent:
        assert code_of(call(agent, "SendMessage", params)) == code


@pytest.mark.parametrize(
    "result",
    [
        '{"text": "plain"}',
        '{"text": ""}',
        '{"te\\"xt": "\\"quoted\\", \\u00e9, \\\\"}',
        '{"text": "a", "more": "b"}',
        '{"text": ["a"]}',
        '{"text": {"a": "b"}}',
        '{"n": 1}',
        "{}",
    ],
)
def test_a_caller_that_accepts_only_text_gets_the_only_text_or_the_result_as_json(
    tmp_path: Path, result: str
) -> None:
    expected = json.loads(result)
    with running_agent(tmp_path, f"def handle(inputs): return {expected!r}") as agent:
        [part] = parts_of(send(agent, TEXT, acceptedOutputModes=["text/plain"]))
    values = list(expected.values())
    if len(values) == 1 and isinstance(values[0], str):
        assert part["text"] == values[0]
    else:
        assert json.loads(part["text"]) == expected


@pytest.mark.parametrize("output", ["data", "text"])
def test_a_result_is_copied_into_the_task_without_parsing_it(output: Output) -> None:
    async def a_job() -> Job:
        return Job()

    job = asyncio.run(a_job())
    job.state, job.output = "done", output
    job.result = b'{"as it is":[1.50]}'
    task = task_of(job, V1)
    [part] = parts_of(json.loads(task))
    if output == "text":
        assert part == {"text": job.result.decode(), "mediaType": "text/plain"}
    else:
        assert job.result in task
        assert part == {"data": {"as it is": [1.5]}, "mediaType": "application/json"}


def test_a_task_has_its_context_and_the_handlers_result(tmp_path: Path) -> None:
    data = {"a": "\u00e9", "b": [0.5]}
    with running_agent(tmp_path) as agent:
        task = send(agent, {"data": data}, message={"contextId": "c" * 256})
        assert task["contextId"] == "c" * 256
        assert parts_of(task)[0]["data"] == {"echo": data}


def test_a_lone_surrogate_in_a_result_fails_here_and_at_run(tmp_path: Path) -> None:
    with running_agent(tmp_path, "def handle(inputs): return {'a': '\\ud800'}") as agent:
        task = send(agent, TEXT)
        answer = agent.run()
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    error = task["status"]["message"]["parts"][0]["text"]
    assert error.startswith("the result of handle() is not JSON")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("the result of handle() is not JSON")


# --- History ----------------------------------------------------------------------------------


def test_the_history_of_a_task_is_the_message_that_began_it(tmp_path: Path) -> None:
    sent = {
        "messageId": "m-1",
        "parts": [{"text": "hello", "mediaType": "text/plain"}],
        "metadata": {"from": "a test"},
        "referenceTaskIds": ["another"],
    }
    with running_agent(tmp_path) as agent:
        task = send(agent, message={**sent, "unknown": 1})
        ids = {"taskId": task["id"], "contextId": task["contextId"]}
        assert task["history"] == [{**sent, **ids, "role": "ROLE_USER"}]
        assert result_of(agent, "GetTask", {"id": task["id"]}) == task


def test_the_history_is_as_long_as_the_caller_wants(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        task = send(agent, historyLength=0)
        assert "history" not in task
        for name in ("historyLength", "history_length"):
            for length, messages in [(0, 0), (1, 1), (10.0, 1), (None, 1)]:
                found = result_of(agent, "GetTask", {"id": task["id"], name: length})
                assert len(found.get("history", [])) == messages


@pytest.mark.parametrize("length", [-1, 1.5, "1", True, 2**31])
def test_an_invalid_history_length_is_refused_before_anything_runs(
    tmp_path: Path, length: Any
) -> None:
    params = {
        "message": {**MESSAGE, "contextId": "a-talk"},
        "configuration": {"historyLength": length},
    }
    with running_agent(tmp_path) as agent:
        assert code_of(call(agent, "SendMessage", params)) == -32602
        assert result_of(agent, "ListTasks", {"contextId": "a-talk"})["totalSize"] == 0
        task = send(agent)
        wrong = call(agent, "GetTask", {"id": task["id"], "historyLength": length})
        assert code_of(wrong) == -32602
        assert wrong.json()["error"]["data"][0]["fieldViolations"][0]["field"] == "historyLength"
