"""Results that are more than JSON's own types."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.deploygen.runtime.running_agent import running_agent

TYPES = """
import collections, dataclasses, datetime, decimal, enum, pathlib, types, uuid
from typing import Any
from pydantic import BaseModel, Field, RootModel

class Model(BaseModel):
    number: int = Field(1, alias="n")
    when: datetime.date = datetime.date(2026, 1, 2)

class Holder(BaseModel):
    held: Any

@dataclasses.dataclass
class Pair:
    left: Any
    right: Any = 2

class Colour(enum.Enum):
    RED = "red"

class Numbers:
    # As numbers and arrays of NumPy.
    def __init__(self, value): self.value = value
    def tolist(self): return self.value

recursive = {}
recursive["a"] = [recursive]
"""
DATE = "datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (f"{{'a': {DATE}}}", {"a": "2026-01-02T03:00:00Z"}),
        ("{'a': Model()}", {"a": {"n": 1, "when": "2026-01-02"}}),
        ("{'a': [Pair(Pair({3}))]}", {"a": [{"left": {"left": [3], "right": 2}, "right": 2}]}),
        ("{'a': Colour.RED, 'b': frozenset()}", {"a": "red", "b": []}),
        ("{'a': Numbers(5), 'b': Numbers([1.5, True])}", {"a": 5, "b": [1.5, True]}),
        ("{'a': decimal.Decimal('1.50')}", {"a": "1.50"}),
        ("{'a': pathlib.Path('/x'), 'b': b'text'}", {"a": "/x", "b": "text"}),
        ("{Colour.RED: 1, uuid.UUID(int=1): 2}", {"red": 1, str(UUID(int=1)): 2}),
        ("{Numbers(5): 1}", {"5": 1}),
        ("{'a': collections.deque([{1}]), 'b': (1, None)}", {"a": [[1]], "b": [1, None]}),
        ("{'a': (each for each in [1])}", {"a": [1]}),
        # The result itself.
        ("Model()", {"n": 1, "when": "2026-01-02"}),
        ("Pair(1)", {"left": 1, "right": 2}),
        ("types.MappingProxyType({'a': 1})", {"a": 1}),
    ],
)
@pytest.mark.parametrize("verb", ["return", "yield"])
def test_what_pydantic_encodes_is_encoded(
    tmp_path: Path, verb: str, result: str, expected: dict[str, object]
) -> None:
    with running_agent(tmp_path, f"{TYPES}\ndef handle(inputs): {verb} {result}") as agent:
        answer = agent.run()
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("{'a': [{'b': object()}]}", "a.0.b is of the type object, which is not JSON"),
        ("{'a': Pair(Pair(object()))}", "a.left.left is of the type object, which is not JSON"),
        ("{'a': Holder(held=[object()])}", "a.held.0 is of the type object, which is not JSON"),
        ("{'a': Model}", "a is of the type ModelMetaclass, which is not JSON"),
        ("{'a': [0.5, float('nan')]}", "a.1 is nan"),
        ("{'a': Numbers([float('-inf')])}", "a.0 is -inf"),
        ("{'a': {'b': '\\ud800'}}", "a.b has half a surrogate pair"),
        ("{'a': b'\\xff'}", "a is of the type bytes, which is not JSON"),
        ("{'a': {object(): 1}}", "a has a key of the type object, which is not JSON"),
        ("{'a': {1: {2}, '1': 2}}", "a has two keys that are the same in JSON"),
        ("recursive", "a.0 contains itself"),
    ],
)
def test_the_place_of_what_is_not_json_is_named(
    tmp_path: Path, result: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_agent(tmp_path, f"{TYPES}\ndef handle(inputs): return {result}") as agent:
        answer = agent.run()
    assert answer.status_code == 500
    start = f"the result of handle() is not JSON: {problem}; the agent's log has the traceback"
    assert answer.json()["detail"].startswith(start)
    assert problem in caplog.text


def test_a_result_that_nests_without_end_fails(tmp_path: Path) -> None:
    handler = "def handle(inputs):\n d = {}\n for _ in range(100_000): d = {'a': d}\n return d"
    with running_agent(tmp_path, handler) as agent:
        detail = agent.run().json()["detail"]
    assert detail.startswith("the result of handle() is not JSON: it is nested too deeply")


def test_declared_outputs_are_checked_as_they_are_sent(tmp_path: Path) -> None:
    outputs = [{"name": "when", "type": "string"}, {"name": "n", "type": "integer"}]
    handler = f"{TYPES}\ndef handle(inputs): return Model()"
    with running_agent(tmp_path, handler, outputs=outputs) as agent:
        assert agent.run().json() == {"n": 1, "when": "2026-01-02"}


@pytest.mark.parametrize(
    ("line", "logged"),
    [
        ("return 5", "handle() must return a dict, not int"),
        ("return RootModel[list[int]]([1])", "handle() must return a dict, not list"),
        ("raise HTTPException(502, 'the model is away')", "handle() raised HTTPException 502"),
        ("raise ValueError('no')", "handle() failed in run "),
    ],
)
def test_every_500_is_logged(
    tmp_path: Path, line: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"from fastapi import HTTPException\n{TYPES}\ndef handle(inputs): {line}"
    with running_agent(tmp_path, source) as agent:
        assert agent.run().status_code >= 500
    assert [record.levelname for record in caplog.records if logged in record.getMessage()] == [
        "ERROR"
    ]


def test_a_refusal_of_the_handler_is_not_logged_as_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = "from fastapi import HTTPException\ndef handle(inputs): raise HTTPException(404)"
    with running_agent(tmp_path, source) as agent:
        assert agent.run().status_code == 404
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_detail_may_be_more_than_json_too(tmp_path: Path) -> None:
    source = f"{TYPES}\nfrom fastapi import HTTPException\n"
    source += f"def handle(inputs): raise HTTPException(409, {{'since': {DATE}}})"
    with running_agent(tmp_path, source) as agent:
        assert agent.run().json() == {"detail": {"since": "2026-01-02T03:00:00Z"}}
