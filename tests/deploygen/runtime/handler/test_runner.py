import asyncio
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException

from deploygen.output.rendering import TEMPLATES
from deploygen.runtime.handler import runner as handler_runner
from deploygen.runtime.handler.failures import HandlerFailed, HandlerUnavailable
from deploygen.runtime.handler.runner import HandlerRunner
from deploygen.runtime.problems import Problem
from tests.processes import wait_until

MODULE = "handler_of_a_test"


@pytest.fixture(autouse=True)
def _forget_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(MODULE, None)


def runner_of(folder: Path, source: str) -> HandlerRunner:
    """Return a runner that has finished loading `source`."""
    runner = loading(folder, source)
    wait_until(lambda: not runner.is_loading(), "the handler")
    return runner


def loading(folder: Path, source: str) -> HandlerRunner:
    (folder / f"{MODULE}.py").write_text(source)
    runner = HandlerRunner(f"{MODULE}:handle")
    runner.start_loading()
    return runner


def answer(runner: HandlerRunner, **inputs: Any) -> Any:
    return json.loads(asyncio.run(runner.run(inputs)))


def test_a_function_is_called_in_a_thread(tmp_path: Path) -> None:
    source = "import threading\ndef handle(inputs): return {**inputs, 't': threading.get_ident()}"
    found = answer(runner_of(tmp_path, source), a=1)
    assert found["a"] == 1
    assert found["t"] != threading.get_ident()


@pytest.mark.parametrize(
    "source",
    [
        "async def handle(inputs): return inputs",
        "class Handle:\n async def __call__(self, inputs): return inputs\nhandle = Handle()",
        "async def f(inputs): return inputs\ndef handle(inputs): return f(inputs)",
    ],
)
def test_a_coroutine_is_awaited_whatever_returns_it(tmp_path: Path, source: str) -> None:
    assert answer(runner_of(tmp_path, source), a=1) == {"a": 1}


def test_the_generated_handler_echoes_its_inputs(tmp_path: Path) -> None:
    runner = runner_of(tmp_path, (TEMPLATES / "handler.py").read_text())
    assert answer(runner, a=1) == {"echo": {"a": 1}}
    assert runner.problem() is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("\ndef handle(:", rf"SyntaxError: {MODULE}.py, line 2; "),
        ("raise SystemExit('secret')", "SystemExit; "),
        ("raise KeyboardInterrupt('secret')", "KeyboardInterrupt; "),
        ("class Panic(BaseException): pass\nraise Panic('secret')", "Panic; "),
        ("raise ValueError('secret')", "ValueError; "),
        ("raise TypeError('secret')", "TypeError; "),
        ("raise ImportError('secret')", "ImportError; "),
        ("raise SyntaxError('secret')", "SyntaxError; "),
        ("raise ImportError(name='a\\0\\ud800')", r"'ImportError: a\x00\ud800'; "),
        ("import nothing_of_this_name", "ModuleNotFoundError: nothing_of_this_name; "),
        ("from json import nothing", "ImportError: json; "),
        ("handle = 1", "defines no function handle"),
        ("", "defines no function handle"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_reported_without_private_details(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: str, problem: str
) -> None:
    runner = runner_of(tmp_path, source)
    found = runner.problem()
    assert found is not None
    reported = found.detail
    assert reported.startswith("the handler cannot be loaded: ")
    assert reported.isprintable()
    assert problem in reported
    assert "secret" not in reported
    assert f"the handler cannot be loaded: {reported.rpartition(' ')[2]}" in caplog.text
    assert ("secret" in caplog.text) == ("secret" in source)
    # Everybody may see this one.
    assert problem not in found.general
    with pytest.raises(HandlerUnavailable, match=re.escape(found.general)):
        answer(runner)


def test_a_request_waits_while_the_handler_is_being_loaded(tmp_path: Path) -> None:
    go = tmp_path / "go"
    source = f"""
import pathlib, time
while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)
def handle(inputs): return inputs
"""
    runner = loading(tmp_path, source)
    assert runner.problem() == Problem("the handler is being loaded")

    async def scenario() -> bytes:
        request = asyncio.create_task(runner.run({"a": 1}))
        await asyncio.sleep(0)
        go.touch()
        return await request

    assert json.loads(asyncio.run(scenario())) == {"a": 1}


def test_a_request_waits_for_the_handler_only_for_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler_runner, "LOADING_PATIENCE_SECONDS", 0.01)
    with pytest.raises(HandlerUnavailable, match="being loaded"):
        answer(HandlerRunner(f"{MODULE}:handle"))


@pytest.mark.parametrize(
    "line",
    [
        "raise ValueError('secret')",
        "raise SystemExit('secret')",
        "raise BaseException('secret')",
        "raise KeyboardInterrupt('secret')",
        "next(iter([]))",
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_exception_of_the_handler_is_logged_but_not_shown_to_the_caller(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, line: str
) -> None:
    runner = runner_of(tmp_path, f"{kind} handle(inputs): {line}")
    with pytest.raises(HandlerFailed) as failed:
        answer(runner)
    run_id = str(failed.value).rpartition(" ")[2]
    assert "secret" not in str(failed.value)
    assert f"handle() failed in run {run_id}" in caplog.text
    assert ("secret" in caplog.text) == ("secret" in line)


def test_a_handler_may_refuse_its_inputs(tmp_path: Path) -> None:
    source = "from fastapi import HTTPException\ndef handle(i): raise HTTPException(422, 'no x')"
    with pytest.raises(HTTPException, match="no x"):
        answer(runner_of(tmp_path, source))


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("[]", "must return a dict, not list"),
        ("None", "must return a dict, not NoneType"),
        ("{'a': object()}", "not JSON"),
        ("{'a': float('nan')}", "not JSON"),
        ("{'a': '\\ud800'}", "not JSON"),
        ("{'\\ud800': 1}", "not JSON"),
        ("recursive", "not JSON"),
        ("Evil(a=1)", "not JSON"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_result_that_is_not_a_json_object_fails_without_revealing_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, result: str, problem: str
) -> None:
    source = f"""
class Evil(dict):
    def items(self): raise LookupError("secret")
recursive = {{}}
recursive["r"] = recursive
{kind} handle(inputs): return {result}
"""
    with pytest.raises(HandlerFailed, match=problem) as failed:
        answer(runner_of(tmp_path, source))
    assert "secret" not in str(failed.value)
    if problem == "not JSON":
        assert f"handle() failed in run {str(failed.value).rpartition(' ')[2]}" in caplog.text


def test_the_result_of_a_function_is_encoded_in_its_thread(tmp_path: Path) -> None:
    source = """
import threading
class RecordsThread(dict):
    def items(self): return [("t", threading.get_ident())]
def handle(inputs): return RecordsThread(a=1)
"""
    assert answer(runner_of(tmp_path, source))["t"] != threading.get_ident()


REFUSES = """
from fastapi import HTTPException
class Evil(HTTPException):
    @property
    def headers(self): raise LookupError("secret")
    @headers.setter
    def headers(self, headers): pass
def handle(inputs): raise {refusal}
"""


@pytest.mark.parametrize(
    "refusal",
    [
        "HTTPException(199, 'x')",
        "HTTPException(600, 'x')",
        "HTTPException('422', 'x')",
        "HTTPException(422, object())",
        "HTTPException(422, {'a': float('nan')})",
        "HTTPException(422, '\\ud800')",
        "HTTPException(422, 'x', {'X': 'a\\r\\nInjected: 1'})",
        "HTTPException(422, 'x', {'X': 'a '})",
        "HTTPException(422, 'x', {'X': '\u20ac'})",
        "HTTPException(422, 'x', {'X': 5})",
        "HTTPException(422, 'x', {'X:': 'a'})",
        "HTTPException(422, 'x', {'': 'a'})",
        "HTTPException(422, 'x', {'content-Length': '1'})",
        "HTTPException(422, 'x', {'Transfer-Encoding': 'chunked'})",
        "HTTPException(422, 'x', ['X'])",
        "Evil(422, 'x')",
    ],
)
def test_an_http_exception_that_cannot_be_sent_is_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    with pytest.raises(HandlerFailed, match="raised what cannot be sent") as failed:
        answer(runner_of(tmp_path, REFUSES.format(refusal=refusal)))
    assert "secret" not in str(failed.value)
    assert f"handle() failed in run {str(failed.value).rpartition(' ')[2]}" in caplog.text
    assert "Traceback" in caplog.text


def test_an_http_exception_is_passed_on_with_status_detail_and_headers(tmp_path: Path) -> None:
    refusal = "HTTPException(429, {'why': ['\u20ac']}, {'Retry-After': '5', 'X-A': 'b c\\td'})"
    with pytest.raises(HTTPException) as refused:
        answer(runner_of(tmp_path, REFUSES.format(refusal=refusal)))
    assert refused.value.status_code == 429
    assert json.dumps(refused.value.detail) == '{"why": ["\\u20ac"]}'
    assert refused.value.headers == {"Retry-After": "5", "X-A": "b c\td"}


def test_an_exception_of_the_handler_is_logged_with_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runner = runner_of(tmp_path, "def handle(inputs): return inputs['missing']")
    with caplog.at_level(logging.ERROR), pytest.raises(HandlerFailed, match="KeyError"):
        answer(runner)
    assert "Traceback" in caplog.text
    assert f"{MODULE}.py" in caplog.text
