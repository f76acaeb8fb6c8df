"""Results made of what generators yield."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime.config import Declared
from deploygen.runtime.handler.contract import Contract, make_contract
from deploygen.runtime.handler.failures import HandlerFailed
from deploygen.runtime.handler.pieces import Piece, Stream
from deploygen.runtime.handler.runner import HandlerRunner
from tests.processes import wait_until

MODULE = "generator_of_a_test"
KINDS = ["def", "async def"]
CALLABLE = """
class Handle:
    async def __call__(self, inputs):
        yield "a"
        yield "b"
handle = Handle()
"""
NOTHING = make_contract([])


def outputs(**types: Any) -> Contract:
    return make_contract([Declared(name=name, type=type_) for name, type_ in types.items()])


@pytest.fixture(autouse=True)
def _forget_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(MODULE, None)


def runner_of(folder: Path, source: str, declared: Contract = NOTHING) -> HandlerRunner:
    (folder / f"{MODULE}.py").write_text(source)
    runner = HandlerRunner(f"{MODULE}:handle", outputs=declared)
    runner.start_loading()
    wait_until(lambda: not runner.is_loading(), "the handler")
    return runner


def result(runner: HandlerRunner) -> Any:
    return json.loads(asyncio.run(runner.run({})))


def pieces(runner: HandlerRunner) -> list[Piece]:
    async def scenario() -> list[Piece]:
        stream = Stream()
        with stream.follow() as reader:
            run = asyncio.create_task(runner.run({}, stream=stream))
            run.add_done_callback(lambda _: stream.close())
            found = [piece async for piece in reader if isinstance(piece, Piece)]
            await run
            return found

    return asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("yielded", "declared", "expected"),
    [
        ("'Hel', 'lo'", outputs(answer="string", n="integer"), None),
        ("'Hel', 'lo'", outputs(answer="string"), {"answer": "Hello"}),
        ("'Hel', 'lo'", NOTHING, {"output": "Hello"}),
        ("{'n': 1}, {'n': 2}", NOTHING, {"n": 2}),
        ("'Hel', {'n': 1}, 'lo'", outputs(answer="string"), {"answer": "Hello"}),
        (
            "'Hel', 'lo', {'n': 2}",
            outputs(answer="string", n="integer"),
            {"answer": "Hello", "n": 2},
        ),
        ("'Hel', {'answer': 'Bye'}", outputs(answer="string"), {"answer": "Bye"}),
        ("'Thinking', {'n': 2}", NOTHING, {"n": 2}),
        ("'Thinking', {'n': 2}", outputs(n="integer"), {"n": 2}),
        ("'', ''", outputs(answer="string"), {"answer": ""}),
    ],
)
def test_the_result_is_the_last_dict_or_the_joined_text(
    tmp_path: Path, kind: str, yielded: str, declared: Contract, expected: dict[str, Any] | None
) -> None:
    source = f"{kind} handle(inputs):\n for each in [{yielded}]: yield each"
    runner = runner_of(tmp_path, source, declared)
    if expected is None:
        with pytest.raises(HandlerFailed, match="not as declared: n: Field required"):
            result(runner)
    else:
        assert result(runner) == expected


def test_a_generator_may_return_its_result(tmp_path: Path) -> None:
    source = "def handle(inputs):\n yield 'Hel'\n yield {'step': 1}\n return {'n': 3}"
    assert result(runner_of(tmp_path, source)) == {"n": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_come_in_order_as_json(tmp_path: Path, kind: str) -> None:
    source = f"{kind} handle(inputs):\n yield 'a\\n\u20ac'\n yield ''\n yield {{'n': [1]}}"
    assert pieces(runner_of(tmp_path, source)) == [
        Piece('"a\\n\u20ac"'.encode(), "a\n\u20ac"),
        Piece(b'{"n": [1]}'),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "def handle(inputs): return iter(['a', 'b'])",
        "def handle(inputs): return map(str, ['a', 'b'])",
        "async def handle(inputs): return (each for each in 'ab')",
        "async def f():\n for each in 'ab': yield each\ndef handle(inputs): return f()",
        "async def f():\n for each in 'ab': yield each\nasync def handle(inputs): return f()",
        CALLABLE,
    ],
)
def test_iterators_are_read_whatever_returns_them(tmp_path: Path, source: str) -> None:
    assert [piece.text for piece in pieces(runner_of(tmp_path, source))] == ["a", "b"]


@pytest.mark.parametrize("source", ["def {}", "async def f(): return {}\nasync def {}"])
def test_a_plain_generator_never_runs_on_the_event_loop(tmp_path: Path, source: str) -> None:
    returned = "({'t': threading.get_ident()} for _ in [1])"
    source = source.replace("def {}", f"def handle(inputs): return {returned}")
    found = result(runner_of(tmp_path, f"import threading\n{source}"))

    async def ident() -> int:
        import threading  # noqa: PLC0415

        return threading.get_ident()

    assert found["t"] != asyncio.run(ident())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("yielded", "problem"),
    [
        ("5", "must yield texts and dicts, not int"),
        ("None", "must yield texts and dicts, not NoneType"),
        ("b'a'", "must yield texts and dicts, not bytes"),
        ("'\\ud800'", "a piece of handle() is not JSON"),
        ("{'a': float('nan')}", "a piece of handle() is not JSON"),
    ],
)
def test_what_cannot_be_a_piece_fails_with_a_reason_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, yielded: str, problem: str
) -> None:
    with pytest.raises(HandlerFailed) as failed:
        result(runner_of(tmp_path, f"{kind} handle(inputs): yield {yielded}"))
    assert problem in str(failed.value)
    assert caplog.records[-1].levelname == "ERROR"
    assert "handle()" in caplog.text


@pytest.mark.parametrize("declared", [outputs(n="integer"), outputs(a="string", b="string")])
def test_text_without_a_single_place_in_the_outputs_fails_with_a_reason_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, declared: Contract
) -> None:
    with pytest.raises(HandlerFailed, match="must yield its result, a dict, at the end"):
        result(runner_of(tmp_path, "def handle(inputs): yield 'a'", declared))
    assert "handle() must yield its result" in caplog.text


def test_a_generator_that_returns_no_dict_fails(tmp_path: Path) -> None:
    runner = runner_of(tmp_path, "def handle(inputs):\n yield 'a'\n return 5")
    with pytest.raises(HandlerFailed, match="must return a dict, not int"):
        result(runner)


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_piece_closes_the_generator(tmp_path: Path, kind: str) -> None:
    source = f"""
closed = []
{kind} handle(inputs):
    try:
        yield 5
    finally:
        closed.append(1)
"""
    with pytest.raises(HandlerFailed):
        result(runner_of(tmp_path, source))
    assert sys.modules[MODULE].closed == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_after_some_pieces_is_a_failure_of_the_handler(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    runner = runner_of(tmp_path, f"{kind} handle(inputs):\n yield 'a'\n raise KeyError('secret')")
    with pytest.raises(HandlerFailed, match="raised KeyError") as failed:
        result(runner)
    assert "secret" not in str(failed.value)
    assert "Traceback" in caplog.text
