"""SendStreamingMessage and SubscribeToTask, without the SDK."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploygen.runtime.http import event_streams
from tests.deploygen.runtime.a2a.calls import MESSAGE, WAITS, call, code_of, parts_of, result_of
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

# Yields a piece for each file that the test makes, then the last ones.
STEPS = """
import asyncio, pathlib
async def handle(inputs):
    for name in ("one", "two"):
        while not pathlib.Path(FOLDER, name).exists(): await asyncio.sleep(0.01)
        yield f"{name} "
"""
TEXT, JSON = {"mediaType": "text/plain"}, {"mediaType": "application/json"}
ENDED = "TASK_STATE_COMPLETED"


@contextmanager
def opened(
    agent: RunningAgent, method: str, params: Any, **more: Any
) -> Iterator[Iterator[dict[str, Any]]]:
    body = {"jsonrpc": "2.0", "id": "mine", "method": method, "params": params} | more
    with agent.http.stream("POST", "/a2a", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield results(answer)


def results(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "data":
            event = json.loads(value)
            assert (event["jsonrpc"], event["id"], len(event)) == ("2.0", "mine", 3)
            yield event["result"]


def streaming(agent: RunningAgent, *parts: dict[str, Any], **configuration: Any) -> Any:
    message = {**MESSAGE, "parts": list(parts) or MESSAGE["parts"]}
    return opened(
        agent, "SendStreamingMessage", {"message": message, "configuration": configuration}
    )


def chunks(events: list[dict[str, Any]]) -> list[tuple[list[Any], bool, bool]]:
    """Return the parts of each chunk, whether it is appended, and whether it is the last."""
    updates = [each["artifactUpdate"] for each in events if "artifactUpdate" in each]
    assert len({update["artifact"]["artifactId"] for update in updates}) <= 1
    return [(each["artifact"]["parts"], each["append"], each["lastChunk"]) for each in updates]


def state_of(event: dict[str, Any]) -> str:
    [kind] = event
    assert kind in ("task", "statusUpdate")
    state: str = event[kind]["status"]["state"]
    return state


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_handler_that_does_not_yield_sends_its_result_between_two_states(
    tmp_path: Path, kind: str
) -> None:
    handler = f"{kind} handle(inputs): return {{'word': inputs['input']}}"
    with running_agent(tmp_path, handler) as agent:
        agent.wait_until_ready()
        with streaming(agent) as received:
            events = list(received)
        task = events[0]["task"]
        stored = result_of(agent, "GetTask", {"id": task["id"]})
    assert (state_of(events[0]), state_of(events[-1])) == ("TASK_STATE_WORKING", ENDED)
    assert [len(task["history"]), "artifacts" in task] == [1, False]
    assert chunks(events) == [([{"text": "hello"} | TEXT], False, True)]
    assert events[1]["artifactUpdate"]["artifact"] == stored["artifacts"][0]
    ids = {"taskId": task["id"], "contextId": task["contextId"]}
    assert events[2]["statusUpdate"] == {**ids, "status": stored["status"]}
    assert events[1]["artifactUpdate"].items() >= ids.items()
    assert len(events) == 3


def test_a_failure_is_the_last_state(tmp_path: Path) -> None:
    handler = "def handle(inputs):\n yield 'a'\n raise KeyError"
    with running_agent(tmp_path, handler) as agent, streaming(agent) as received:
        events = list(received)
    assert chunks(events) == [([{"text": "a"} | TEXT], False, False)]
    assert state_of(events[-1]) == "TASK_STATE_FAILED"
    [part] = events[-1]["statusUpdate"]["status"]["message"]["parts"]
    assert part["text"].startswith("handle() raised KeyError")


def test_each_piece_of_text_is_a_chunk_as_it_comes(tmp_path: Path) -> None:
    handler = f"FOLDER = {str(tmp_path)!r}{STEPS}"
    with running_agent(tmp_path, handler) as agent, streaming(agent) as received:
        task = next(received)["task"]
        (tmp_path / "one").touch()
        first = next(received)
        (tmp_path / "two").touch()
        events = [first, *received]
        [part] = parts_of(result_of(agent, "GetTask", {"id": task["id"]}))
    assert chunks(events) == [
        ([{"text": "one "} | TEXT], False, False),
        ([{"text": "two "} | TEXT], True, False),
        ([part], False, True),
    ]
    assert part["text"] == "one two "


SAYS = "def handle(inputs):\n yield 'Hi'\n yield ''\n yield ' you'\n"
HI, YOU = [{"text": "Hi"} | TEXT], [{"text": " you"} | TEXT]
WHOLE = {"output": "Hi you", "n": 1}
AS_DATA, AS_TEXT = {"data": WHOLE} | JSON, {"text": json.dumps(WHOLE)} | TEXT


@pytest.mark.parametrize(
    ("sent", "modes", "whole"),
    [
        ([], [], [AS_TEXT, AS_DATA]),
        ([{"data": {}}], [], [AS_DATA]),
        ([], ["text/plain"], [AS_TEXT]),
    ],
)
def test_the_last_chunk_replaces_the_artifact_with_the_whole(
    tmp_path: Path, sent: list[Any], modes: list[str], whole: list[Any]
) -> None:
    handler = f"{SAYS} return {WHOLE!r}"
    with (
        running_agent(tmp_path, handler) as agent,
        streaming(agent, *sent, acceptedOutputModes=modes) as received,
    ):
        assert chunks(list(received)) == [
            (HI, False, False),
            (YOU, True, False),
            (whole, False, True),
        ]


def test_a_caller_that_accepts_data_alone_gets_no_text(tmp_path: Path) -> None:
    with (
        running_agent(tmp_path, SAYS) as agent,
        streaming(agent, acceptedOutputModes=["application/json"]) as received,
    ):
        data = {"data": {"output": "Hi you"}} | JSON
        assert chunks(list(received)) == [([data], False, True)]


def test_objects_are_chunks_for_callers_that_accept_data(tmp_path: Path) -> None:
    handler = "def handle(inputs):\n yield {'step': 1}\n yield {'sum': 3}"
    with running_agent(tmp_path, handler) as agent:
        with streaming(agent, {"data": {}}) as received:
            step, last = ([{"data": each} | JSON] for each in ({"step": 1}, {"sum": 3}))
            assert chunks(list(received)) == [
                (step, False, False),
                (last, True, False),
                (last, False, True),
            ]
        with streaming(agent, acceptedOutputModes=["text"]) as received:
            assert chunks(list(received)) == [([{"text": '{"sum": 3}'} | TEXT], False, True)]


def test_who_subscribes_later_gets_what_came_before_with_the_task(tmp_path: Path) -> None:
    handler = f"FOLDER = {str(tmp_path)!r}{STEPS}"
    with running_agent(tmp_path, handler) as agent, streaming(agent) as received:
        task = next(received)["task"]
        (tmp_path / "one").touch()
        next(received)
        with opened(agent, "SubscribeToTask", {"id": task["id"]}) as later:
            now = next(later)["task"]
            assert parts_of(now) == [{"text": "one "} | TEXT]
            assert now["history"] == task["history"]
            (tmp_path / "two").touch()
            rest = list(received)
            assert list(later) == rest
    assert chunks(rest)[0] == ([{"text": "two "} | TEXT], True, False)
    assert state_of(rest[-1]) == ENDED


def test_a_running_task_has_what_was_streamed_so_far(tmp_path: Path) -> None:
    handler = f"FOLDER = {str(tmp_path)!r}{STEPS}"
    with running_agent(tmp_path, handler) as agent, streaming(agent) as received:
        task = next(received)["task"]
        wanted = {"id": task["id"]}
        assert "artifacts" not in result_of(agent, "GetTask", wanted)
        (tmp_path / "one").touch()
        chunk = next(received)["artifactUpdate"]
        now = result_of(agent, "GetTask", wanted)
        assert (now["artifacts"], now["status"]["state"]) == (
            [chunk["artifact"]],
            "TASK_STATE_WORKING",
        )
        context = {"contextId": task["contextId"]}
        assert result_of(agent, "ListTasks", context)["tasks"] == [without_artifacts(now)]
        both = result_of(agent, "ListTasks", {**context, "includeArtifacts": True})
        assert both["tasks"] == [now]
        (tmp_path / "two").touch()
        assert state_of(list(received)[-1]) == ENDED


def without_artifacts(task: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in task.items() if name != "artifacts"}


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ([], [{"text": "a"} | TEXT, {"data": {"step": 1}} | JSON]),
        (["application/json"], [{"data": {"step": 1}} | JSON]),
        (["text/plain"], [{"text": "a"} | TEXT]),
    ],
)
def test_a_running_task_shows_what_its_caller_accepts(
    tmp_path: Path, modes: list[str], expected: list[Any]
) -> None:
    handler = """
import asyncio
async def handle(inputs):
    yield "a"
    yield {"step": 1}
    await asyncio.sleep(1000)
"""
    drain = {"AGENT_DRAIN_SECONDS": "0.01"}
    configuration = {"returnImmediately": True, "acceptedOutputModes": modes}
    with running_agent(tmp_path, handler, drain) as agent:
        task = result_of(
            agent, "SendMessage", {"message": MESSAGE, "configuration": configuration}
        )["task"]

        def shown() -> Any:
            now = result_of(agent, "GetTask", {"id": task["id"]})
            return now["artifacts"][0]["parts"] if "artifacts" in now else []

        wait_until(lambda: shown() == expected, "what was yielded")
        with opened(agent, "SubscribeToTask", {"id": task["id"]}) as later:
            assert next(later)["task"]["artifacts"][0]["parts"] == expected


def test_a_stream_that_is_left_ends_neither_the_task_nor_other_streams(tmp_path: Path) -> None:
    handler = f"FOLDER = {str(tmp_path)!r}{STEPS}"
    with running_agent(tmp_path, handler) as agent:
        with streaming(agent) as received:
            task_id = next(received)["task"]["id"]
        with opened(agent, "SubscribeToTask", {"id": task_id}) as other:
            next(other)
            (tmp_path / "one").touch()
            (tmp_path / "two").touch()
            assert state_of(list(other)[-1]) == ENDED
        [part] = parts_of(result_of(agent, "GetTask", {"id": task_id}))
    assert part["text"] == "one two "


def test_a_generator_does_not_wait_for_a_stream_that_was_left(tmp_path: Path) -> None:
    handler = """
import pathlib, time
def handle(inputs):
    yield "begun"
    while not pathlib.Path(FILE).exists(): time.sleep(0.01)
    for _ in range(100): yield "x"
"""
    file = tmp_path / "left"
    with running_agent(tmp_path, f"FILE = {str(file)!r}{handler}") as agent:
        with streaming(agent) as received:
            task_id = next(received)["task"]["id"]
            next(received)
        file.touch()

        def state() -> str:
            task = result_of(agent, "GetTask", {"id": task_id})
            return str(task["status"]["state"])

        wait_until(lambda: state() == ENDED, "the end of the task")


def test_a_cancelled_task_ends_its_streams(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS) as agent, streaming(agent) as received:
        task_id = next(received)["task"]["id"]
        assert result_of(agent, "CancelTask", {"id": task_id})["id"] == task_id
        assert [state_of(event) for event in received] == ["TASK_STATE_CANCELED"]


def test_a_silent_stream_is_kept_open_by_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "KEEP_ALIVE_SECONDS", 0.01)
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage"}
    drain = {"AGENT_DRAIN_SECONDS": "0.01"}
    with (
        running_agent(tmp_path, WAITS, drain) as agent,
        agent.http.stream("POST", "/a2a", json=body | {"params": {"message": MESSAGE}}) as answer,
    ):
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines).startswith("data: ")
        assert next(lines) == ": keep-alive"


def test_a_task_that_has_ended_or_is_unknown_has_no_stream(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        with streaming(agent) as received:
            task_id = next(received)["task"]["id"]
            assert state_of(list(received)[-1]) == ENDED
        for wanted, code in [(task_id, -32004), ("unknown", -32001), (None, -32602)]:
            assert code_of(call(agent, "SubscribeToTask", {"id": wanted})) == code


def test_an_invalid_message_gets_an_ordinary_error(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        answer = call(agent, "SendStreamingMessage", {"message": {**MESSAGE, "parts": []}})
        assert code_of(answer) == -32602
        assert answer.headers["content-type"] == "application/json"
