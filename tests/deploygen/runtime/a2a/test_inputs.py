"""From the parts of a message to the handler's inputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.a2a.calls import MESSAGE, call, code_of, parts_of, send
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

TWO_NUMBERS = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
TWO_TEXTS = [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]


def inputs_from(agent: RunningAgent, *parts: dict[str, Any]) -> Any:
    """Return what the echoing handler got."""
    [part] = parts_of(send(agent, *parts, acceptedOutputModes=["application/json"]))
    return part["data"]["echo"]


@pytest.mark.parametrize(
    ("declared", "inputs"),
    [
        ([], {"n": 1, "input": "hello"}),
        (
            [
                {"name": "n", "type": "integer"},
                {"name": "prompt", "type": "string"},
                {"name": "system", "type": "string", "required": False},
            ],
            {"n": 1, "prompt": "hello"},
        ),
        (
            [
                {"name": "n", "type": "integer"},
                {"name": "note", "type": "string", "required": False},
            ],
            {"n": 1, "note": "hello"},
        ),
    ],
)
def test_text_is_assigned_to_the_only_possible_input(
    tmp_path: Path, declared: list[dict[str, Any]], inputs: dict[str, Any]
) -> None:
    with running_agent(tmp_path, inputs=declared) as agent:
        assert inputs_from(agent, {"data": {"n": 1.0}}, {"text": "hello"}) == inputs
        # As some clients write members that are missing.
        sent = ({"data": {"n": 1}, "text": None}, {"text": "hello", "data": None, "raw": None})
        assert inputs_from(agent, *sent) == inputs


@pytest.mark.parametrize(
    ("declared", "inputs"), [(TWO_NUMBERS, {"a": 1, "b": 2}), (TWO_TEXTS, {"a": "x", "b": "y"})]
)
def test_without_one_text_input_a_text_is_the_inputs_as_json(
    tmp_path: Path, declared: list[dict[str, Any]], inputs: dict[str, Any]
) -> None:
    with running_agent(tmp_path, inputs=declared) as agent:
        assert inputs_from(agent, {"text": json.dumps(inputs)}) == inputs
        [a, b] = inputs.items()
        sent = {"data": dict([a])}, {"text": json.dumps(dict([b]))}
        assert inputs_from(agent, *sent) == inputs


@pytest.mark.parametrize("text", ["1 and 2", "[1, 2]", '"a"', "null", "", "{"])
def test_a_text_that_is_no_input_is_refused_with_what_to_send(tmp_path: Path, text: str) -> None:
    params = {"message": {**MESSAGE, "parts": [{"text": text}]}}
    with running_agent(tmp_path, inputs=TWO_NUMBERS) as agent:
        answer = call(agent, "SendMessage", params)
        assert code_of(answer) == -32602
        assert "a text that is a JSON object" in answer.json()["error"]["message"]


def test_a_text_input_takes_json_as_text(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert inputs_from(agent, {"text": '{"a": 1}'}) == {"input": '{"a": 1}'}


def test_whole_numbers_become_integers_at_every_depth(tmp_path: Path) -> None:
    data = {"a": [1.0, {"b": -2.0}], "c": 0.5, "d": 1e300, "e": True, "f": "1.0"}
    handler = "def handle(inputs): return {'seen': repr(inputs)}"
    with running_agent(tmp_path, handler) as agent:
        [part] = parts_of(send(agent, {"data": data}))
    seen = {"a": [1, {"b": -2}], "c": 0.5, "d": 1e300, "e": True, "f": "1.0"}
    assert part["data"]["seen"] == repr(seen)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messageId": ""}, -32602),
        ({"messageId": None}, -32602),
        ({"messageId": 1}, -32602),
        ({"role": "ROLE_AGENT"}, -32602),
        ({"role": None}, -32602),
        ({"parts": []}, -32602),
        ({"parts": {}}, -32602),
        ({"parts": ["hello"]}, -32602),
        ({"parts": [{}]}, -32602),
        ({"parts": [{"data": [1]}]}, -32602),
        ({"parts": [{"data": {}, "text": "both"}]}, -32602),
        ({"parts": [{"raw": "AAAA"}]}, -32005),
        ({"parts": [{"url": "http://169.254.169.254/"}]}, -32005),
        ({"taskId": "unknown"}, -32001),
        ({"taskId": 5}, -32602),
        ({"contextId": "c" * 257}, -32602),
        ({"contextId": 5}, -32602),
        ({"metadata": []}, -32602),
        ({"extensions": "one"}, -32602),
    ],
)
def test_an_invalid_message_gets_its_error_code_and_runs_nothing(
    tmp_path: Path, change: dict[str, Any], code: int
) -> None:
    ran = tmp_path / "ran"
    handler = f"import pathlib\ndef handle(inputs): pathlib.Path({str(ran)!r}).touch(); return {{}}"
    with running_agent(tmp_path, handler) as agent:
        answer = call(agent, "SendMessage", {"message": {**MESSAGE, **change}})
        assert code_of(answer) == code
    assert not ran.exists()


def test_a_message_for_a_task_is_refused_and_one_with_another_context_is_invalid(
    tmp_path: Path,
) -> None:
    with running_agent(tmp_path) as agent:
        task = send(agent)
        for context, code in [(None, -32004), (task["contextId"], -32004), ("other", -32602)]:
            message = {**MESSAGE, "taskId": task["id"], "contextId": context}
            assert code_of(call(agent, "SendMessage", {"message": message})) == code
