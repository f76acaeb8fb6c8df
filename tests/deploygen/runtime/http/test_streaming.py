"""POST /run as server-sent events."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploygen.runtime.http import connections as agent_connections
from deploygen.runtime.http import event_streams
from deploygen.runtime.http.accept import prefers
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

EVENTS = "text/event-stream"
KINDS = ["def", "async def"]
# Yields a piece for each file that the test makes, then ends.
STEPS = """
import asyncio, pathlib, time
closed = []
{kind} handle(inputs):
    try:
        for step in inputs["steps"]:
            while not pathlib.Path(step).exists(): {wait}
            yield f"{{pathlib.Path(step).name}} "
    finally:
        closed.append(1)
"""
# Yields until it is closed.
FLOODS = """
yielded = []
closed = []
{kind} handle(inputs):
    try:
        while True:
            yielded.append(1)
            yield "x" * 100_000
    finally:
        closed.append(1)
"""


def steps(kind: str) -> str:
    wait = "await asyncio.sleep(0.01)" if kind == "async def" else "time.sleep(0.01)"
    return STEPS.format(kind=kind, wait=wait)


@contextmanager
def streamed(agent: RunningAgent, **inputs: Any) -> Iterator[httpx.Response]:
    with agent.http.stream("POST", "/run", json=inputs, headers={"Accept": EVENTS}) as answer:
        yield answer


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Yield the name and data of each event, and comments with the name ""."""
    name = ""
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
        elif line:
            yield "", value


def module(agent: RunningAgent) -> Any:
    return sys.modules[agent.module]


@pytest.mark.parametrize("kind", KINDS)
def test_each_piece_is_sent_as_it_comes_and_the_result_at_the_end(
    tmp_path: Path, kind: str
) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    files[0].touch()
    with (
        running_agent(tmp_path, steps(kind)) as agent,
        streamed(agent, steps=list(map(str, files))) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(EVENTS)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]
        received = events(answer)
        assert next(received) == ("piece", "one ")
        files[1].touch()
        assert list(received) == [("piece", "two "), ("result", {"output": "one two "})]


def test_a_piece_that_is_an_object_is_sent_on_one_line(tmp_path: Path) -> None:
    handler = "def handle(inputs): yield {'a': 'b\\nc', 'd': [1]}"
    with running_agent(tmp_path, handler) as agent, streamed(agent) as answer:
        assert list(events(answer)) == [
            (name, {"a": "b\nc", "d": [1]}) for name in ("piece", "result")
        ]


def test_a_handler_that_yields_nothing_sends_its_result_alone(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent, streamed(agent, a=1) as answer:
        assert list(events(answer)) == [("result", {"echo": {"a": 1}})]


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_wants_json_gets_the_whole(tmp_path: Path, kind: str) -> None:
    handler = f"{kind} handle(inputs):\n yield 'Hel'\n yield 'lo'"
    outputs = [{"name": "answer", "type": "string"}]
    with running_agent(tmp_path, handler, outputs=outputs) as agent:
        answer = agent.run()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"answer": "Hello"}


def test_a_generator_beyond_the_time_limit_becomes_a_job(tmp_path: Path) -> None:
    file = tmp_path / "one"
    with running_agent(tmp_path, steps("def"), sync_timeout=0.05) as agent:
        accepted = agent.run(steps=[str(file)])
        assert accepted.status_code == 202
        file.touch()
        url = accepted.json()["status_url"]
        wait_until(lambda: agent.http.get(url).json()["status"] == "done", "its end")
        assert agent.http.get(url).json()["result"] == {"output": "one "}


def test_a_stream_outlives_the_time_limit_of_a_plain_run(tmp_path: Path) -> None:
    file = tmp_path / "one"
    with (
        running_agent(tmp_path, steps("def"), sync_timeout=0.05) as agent,
        # Kept open by comments.
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(event_streams, "KEEP_ALIVE_SECONDS", 0.1)
        with streamed(agent, steps=[str(file)]) as answer:
            received = events(answer)
            assert [next(received) for _ in range(2)] == [("", "keep-alive")] * 2
            file.touch()
            left = [event for event in received if event != ("", "keep-alive")]
    assert left == [("piece", "one "), ("result", {"output": "one "})]


@pytest.mark.parametrize(
    ("handler", "status", "detail"),
    [
        ("raise HTTPException(409, 'not today', {'X-A': 'b'})", 409, "not today"),
        ("raise KeyError('secret')", 500, "handle() raised KeyError; the agent's log"),
        ("yield 5", 500, "handle() must yield texts and dicts, not int"),
    ],
)
def test_an_error_before_the_first_piece_is_an_ordinary_response(
    tmp_path: Path, handler: str, status: int, detail: str
) -> None:
    source = f"from fastapi import HTTPException\ndef handle(inputs):\n {handler}\n yield 'a'"
    with running_agent(tmp_path, source) as agent, streamed(agent) as answer:
        answer.read()
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert answer.headers.get("x-a") == ("b" if status == 409 else None)


@pytest.mark.parametrize(
    ("line", "status", "detail"),
    [
        ("raise HTTPException(409, {'why': 'not today'})", 409, {"why": "not today"}),
        ("raise KeyError('secret')", 500, "handle() raised KeyError; the agent's log"),
        ("return 5", 500, "handle() must return a dict, not int"),
    ],
)
def test_an_error_after_the_first_piece_is_the_last_event(
    tmp_path: Path, line: str, status: int, detail: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"from fastapi import HTTPException\ndef handle(inputs):\n yield 'a'\n {line}"
    with running_agent(tmp_path, source) as agent, streamed(agent) as answer:
        first, (name, error) = events(answer)
    assert (answer.status_code, first) == (200, ("piece", "a"))
    assert (name, error["status"]) == ("error", status)
    matches: Callable[[Any], bool] = getattr(error["detail"], "startswith", detail.__eq__)
    assert matches(detail)
    assert "the agent failed" not in caplog.text


def test_refused_inputs_and_too_many_jobs_are_ordinary_responses(tmp_path: Path) -> None:
    inputs = [{"name": "steps", "type": "array"}]
    with running_agent(tmp_path, steps("def"), inputs=inputs, max_jobs=1) as agent:
        with streamed(agent, steps=5) as answer:
            assert answer.status_code == 422
        (tmp_path / "one").touch()
        with streamed(agent, steps=[str(tmp_path / "one"), str(tmp_path / "two")]) as running:
            received = events(running)
            assert next(received) == ("piece", "one ")
            with streamed(agent, steps=[]) as answer:
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            (tmp_path / "two").touch()
            assert next(received) == ("piece", "two ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_goes_away_ends_the_generator(
    tmp_path: Path, kind: str, begun: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    files = [tmp_path / "one", tmp_path / "two"]
    with running_agent(tmp_path, steps(kind), max_jobs=1) as agent:
        agent.wait_until_ready()
        if begun:
            files[0].touch()
        with socket.create_connection(("127.0.0.1", urlsplit(agent.url).port or 0)) as client:
            body = json.dumps({"steps": list(map(str, files))}).encode()
            client.sendall(
                b"POST /run HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            wait_until(lambda: agent.lifecycle.jobs.running, "its start")
            if begun:
                assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: "the client has gone away" in caplog.text, "the log line")
        if kind == "def":
            # A thread notices at its next piece.
            assert agent.lifecycle.jobs.running
            for file in files:
                file.touch()
        wait_until(lambda: not agent.lifecycle.jobs.running, "its end")
        assert module(agent).closed == [1]
        assert "Traceback" not in caplog.text


def settled(count: Callable[[], int]) -> None:
    counts: list[int] = []

    def is_settled() -> bool:
        counts.append(count())
        return len(counts) > 20 and len(set(counts[-20:])) == 1

    wait_until(is_settled, "the generator to wait")


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_reads_slowly_slows_the_generator_down(tmp_path: Path, kind: str) -> None:
    environ = {"AGENT_MAX_RESULT_BYTES": "100000000"}
    with running_agent(tmp_path, FLOODS.format(kind=kind), environ) as agent:
        with streamed(agent) as answer:
            received = answer.iter_bytes()
            next(received)
            settled(lambda: len(module(agent).yielded))
            before = len(module(agent).yielded)
            assert before < 200  # 20 MB; some of it is in the buffers of the sockets
            size = 0
            while size < 30_000_000:
                size += len(next(received))
            assert len(module(agent).yielded) > before
        wait_until(lambda: module(agent).closed, "the generator to be closed")


def test_a_client_that_takes_nothing_counts_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_connections, "STALLED_SECONDS", 0.2)
    with (
        running_agent(tmp_path, FLOODS.format(kind="def")) as agent,
        streamed(agent) as answer,
    ):
        next(answer.iter_bytes())
        wait_until(lambda: module(agent).closed, "the generator to be closed")
        wait_until(lambda: not agent.lifecycle.jobs.running, "a free place")


def test_a_stream_that_is_cut_off_by_the_agents_end_says_so(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    files = [str(tmp_path / "one"), str(tmp_path / "never")]
    with (
        running_agent(tmp_path, steps("async def")) as agent,
        streamed(agent, steps=files) as answer,
    ):
        received = events(answer)
        assert next(received) == ("piece", "one ")
        for _ in range(2):
            agent.lifecycle.request_stop()
        assert list(received) == [("error", {"status": 503, "detail": "the agent is stopping"})]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("application/json;q=0.5, text/event-stream;q=0.4", False),
        ("application/json;q=0.5 , text/event-stream ; q=0.5", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=x", False),
        ("text/event-stream, */*", True),
    ],
)
def test_a_client_has_events_by_asking_for_them(accept: str, expected: bool) -> None:
    assert prefers(accept, EVENTS) is expected
