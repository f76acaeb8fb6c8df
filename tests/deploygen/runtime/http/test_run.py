"""POST /run and its jobs, as a caller sees them."""

import http.client
import json
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploygen.runtime import jobs as agent_jobs
from deploygen.runtime.http import bodies as request_bodies
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

ADD = "def handle(inputs): return {'sum': inputs['a'] + inputs['b']}"
DECLARED: dict[str, Any] = {
    "inputs": [
        {"name": "a", "type": "integer", "required": True},
        {"name": "b", "type": "integer", "required": False, "default": 2},
    ],
    "outputs": [{"name": "sum", "type": "integer"}],
}
# Works until a file exists.
WAITS = """
import asyncio, pathlib
async def handle(inputs):
    while not pathlib.Path(inputs["until"]).exists(): await asyncio.sleep(0.01)
    return {"done": True}
"""
JSON = {"Content-Type": "application/json"}


def fields(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422
    return {".".join(each["loc"]): each["msg"] for each in answer.json()["detail"]}


def status(agent: RunningAgent, job: dict[str, Any]) -> dict[str, Any]:
    answer = agent.http.get(job["status_url"])
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("echo")) as agent:
        yield agent


# --- Declared inputs and outputs --------------------------------------------------------------


def test_inputs_are_checked_and_defaults_added(tmp_path: Path) -> None:
    with running_agent(tmp_path, ADD, **DECLARED) as agent:
        assert agent.run(a=1).json() == {"sum": 3}
        assert agent.run(a=1, b=1).json() == {"sum": 2}
        assert fields(agent.run(a="5", c=1)) == {
            "body.a": "Input should be a valid integer",
            "body.c": "There is no such field",
        }
        assert fields(agent.run()) == {"body.a": "Field required"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("{'sum': 'three'}", "sum: Input should be a valid integer"),
        ("{}", "sum: Field required"),
        ("{'sum': 1, 'more': 2}", "more: There is no such field"),
    ],
)
def test_a_result_that_breaks_the_declared_outputs_is_500_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: str, problem: str
) -> None:
    with running_agent(tmp_path, f"def handle(inputs): return {answer}", **DECLARED) as agent:
        failed = agent.run(a=1)
    assert failed.status_code == 500
    assert failed.json() == {"detail": f"the result of handle() is not as declared: {problem}"}
    assert f"handle() broke its contract: {problem}" in caplog.text


def test_the_handler_may_be_any_function_of_any_module(tmp_path: Path) -> None:
    (tmp_path / "adding_of_a_test.py").write_text("def add(inputs): return {'sum': 7}")
    with running_agent(tmp_path, **DECLARED, function="adding_of_a_test:add") as agent:
        assert agent.run(a=1).json() == {"sum": 7}


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        ("HTTPException(404, {'id': 5}, {'X-A': 'b'})", 404),
        ("HTTPException(204)", 204),
        ("HTTPException(999, 'x')", 500),
        ("HTTPException(100, 'x')", 500),
        ("HTTPException(422, object())", 500),
        ("HTTPException(422, '\\ud800')", 500),
        ("HTTPException(422, 'x', {'X-A': 'a\\r\\nInjected: 1'})", 500),
        ("HTTPException(422, 'x', {'Content-Length': '1'})", 500),
    ],
)
def test_an_http_exception_of_the_handler_becomes_the_response_if_it_is_valid(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refusal: str, status: int
) -> None:
    handler = f"from fastapi import HTTPException\ndef handle(inputs): raise {refusal}"
    with running_agent(tmp_path, handler) as agent:
        answer = agent.run()
    assert answer.status_code == status
    assert "Injected" not in answer.headers
    assert answer.headers.get("x-a") == ("b" if status == 404 else None)
    if status == 404:
        assert answer.json() == {"detail": {"id": 5}}
    if status == 500:
        assert answer.json()["detail"].startswith("handle() raised what cannot be sent")
    assert "the agent failed" not in caplog.text


# --- Jobs -------------------------------------------------------------------------------------


def test_longer_work_becomes_a_job_whose_result_can_be_polled(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        accepted = agent.run(until=str(tmp_path / "done"))
        job = accepted.json()
        assert accepted.status_code == 202
        assert job == {
            "job_id": job["job_id"],
            "status": "running",
            "status_url": f"/status/{job['job_id']}",
        }
        assert accepted.headers["location"] == job["status_url"]
        assert status(agent, job) == {"job_id": job["job_id"], "status": "running"}
        (tmp_path / "done").touch()
        wait_until(lambda: status(agent, job)["status"] != "running", "its end")
        assert status(agent, job) == {
            "job_id": job["job_id"],
            "status": "done",
            "result": {"done": True},
        }


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("raise KeyError('secret')", "handle() raised KeyError; the agent's log"),
        ("raise HTTPException(409, 'not today')", "not today"),
        ("raise HTTPException(422, [{'loc': ['a']}])", '[{"loc": ["a"]}]'),
    ],
)
def test_a_failed_job_has_its_error(tmp_path: Path, line: str, error: str) -> None:
    handler = "from fastapi import HTTPException\n" + WAITS.replace('return {"done": True}', line)
    with running_agent(tmp_path, handler, sync_timeout=0.05) as agent:
        job = agent.run(until=str(tmp_path / "done")).json()
        (tmp_path / "done").touch()
        wait_until(lambda: status(agent, job)["status"] != "running", "its end")
        found = status(agent, job)
    assert (found["job_id"], found["status"]) == (job["job_id"], "failed")
    assert found["error"].startswith(error)
    assert "result" not in found


def test_a_job_can_be_cancelled(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        job = agent.run(until=str(tmp_path / "done")).json()
        cancelled = {"job_id": job["job_id"], "status": "cancelled"}
        for _ in range(2):
            answer = agent.http.delete(job["status_url"])
            assert (answer.status_code, answer.json()) == (200, cancelled)
        assert status(agent, job) == cancelled
        wait_until(lambda: not agent.lifecycle.jobs.running, "its end")


def test_a_job_that_has_ended_cannot_be_cancelled(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        job = agent.run(until=str(tmp_path / "done")).json()
        (tmp_path / "done").touch()
        wait_until(lambda: status(agent, job)["status"] == "done", "its end")
        answer = agent.http.delete(job["status_url"])
        assert (answer.status_code, answer.json()) == (409, {"detail": "the job has ended: done"})
        assert status(agent, job)["status"] == "done"


def test_results_answered_directly_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_jobs, "MOST_REMEMBERED", 1)
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        until = str(tmp_path / "done")
        job = agent.run(until=until).json()
        (tmp_path / "done").touch()
        wait_until(lambda: status(agent, job)["status"] == "done", "its end")
        agent.lifecycle.config = agent.lifecycle.config.model_copy(update={"sync_timeout": 30.0})
        assert [agent.run(until=until).status_code for _ in range(3)] == [200] * 3
        assert status(agent, job)["result"] == {"done": True}


def test_an_unknown_job_is_404(echo: RunningAgent) -> None:
    for call in (echo.http.get, echo.http.delete):
        answer = call("/status/0123456789abcdef")
        assert answer.status_code == 404
        assert "no such job" in answer.json()["detail"]


def test_jobs_beyond_the_limit_get_503_with_retry_after(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05, max_jobs=2) as agent:
        until = str(tmp_path / "done")
        assert [agent.run(until=until).status_code for _ in range(2)] == [202, 202]
        refused = agent.run(until=until)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json() == {"detail": "the limit of running jobs is reached: 2"}
        (tmp_path / "done").touch()
        wait_until(lambda: agent.run(until=until).status_code == 200, "a free place")


def test_blocking_handlers_run_in_parallel(tmp_path: Path) -> None:
    handler = """
import threading
both = threading.Barrier(2, timeout=30)
def handle(inputs):
    both.wait()
    return {}
"""
    with running_agent(tmp_path, handler, sync_timeout=0.01, max_jobs=2) as agent:
        agent.wait_until_ready()
        first = agent.run().json()
        agent.run()
        wait_until(lambda: status(agent, first)["status"] == "done", "both")


# --- Invalid and hostile requests -------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep objects"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="Infinity"),
        pytest.param(b'{"a": [1e999]}', id="a number beyond doubles"),
        pytest.param(b'{"a": 1' + b"0" * 400 + b".0}", id="a long one"),
        pytest.param(b'{"a": ["Infinity", {"b": [1e999]}]}', id="one inside"),
        pytest.param(b'{"a": ' + b"1" * 5000 + b"}", id="an endless integer"),
        pytest.param(b'{"a": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"a": 1} {}', id="two objects"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_422(echo: RunningAgent, body: bytes) -> None:
    answer = echo.http.post("/run", content=body, headers=JSON)
    assert list(fields(answer)) == ["body"]


def test_valid_json_numbers_and_text_of_any_size_are_accepted(echo: RunningAgent) -> None:
    body = '{"a": [1e300, -0.5, 123456789012345678901234567890, 2E+100, "\\ud83d\\ude00\\u0000"],'
    body += ' "b": "Infinity"}'
    answer = echo.http.post("/run", content=body, headers=JSON)
    assert answer.json() == {"echo": json.loads(body)}


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_another_content_type_is_refused(echo: RunningAgent, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = echo.http.post("/run", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (
        415,
        "the Content-Type must be application/json",
    )


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/LD+JSON"])
def test_every_json_media_type_is_accepted(echo: RunningAgent, media_type: str) -> None:
    answer = echo.http.post("/run", content=b"{}", headers={"Content-Type": media_type})
    assert answer.json() == {"echo": {}}


def test_a_body_of_one_mebibyte_is_accepted_and_one_byte_more_is_not(echo: RunningAgent) -> None:
    most = request_bodies.LARGEST_BODY_BYTES
    body = b'{"a":"' + b"x" * (most - 8) + b'"}'
    assert len(body) == most
    assert echo.http.post("/run", content=body, headers=JSON).status_code == 200
    answer = echo.http.post("/run", content=body + b" ", headers=JSON)
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": "a body may have at most 1048576 bytes"},
    )


def begun(agent: RunningAgent, length: int, body: bytes) -> http.client.HTTPConnection:
    """Begin a request with a body of `length` bytes, of which `body` is sent."""
    connection = http.client.HTTPConnection(urlsplit(agent.url).netloc, timeout=30)
    connection.putrequest("POST", "/run")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(length))
    connection.endheaders(body)
    return connection


def test_the_total_size_of_bodies_being_received_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "LARGEST_TOGETHER_BYTES", 3000)
    with running_agent(tmp_path) as agent:
        slow = begun(agent, 2502, b"{" + b" " * 2000)

        def answer() -> httpx.Response:
            return agent.http.post("/run", content=b"{" + b" " * 1500 + b"}", headers=JSON)

        wait_until(lambda: answer().status_code == 503, "the slow request to be counted")
        refused = answer()
        assert (refused.json(), refused.headers["retry-after"]) == (
            {"detail": "too many bodies are being received at once"},
            "5",
        )
        slow.send(b" " * 500 + b"}")
        assert slow.getresponse().read() == b'{"echo": {}}'
        slow.close()
        assert [answer().status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("end", ["gone", "late", "too large"])
def test_an_abandoned_body_frees_its_share_of_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(request_bodies, "LARGEST_TOGETHER_BYTES", 3000)
    monkeypatch.setattr(request_bodies, "LARGEST_BODY_BYTES", 2500)
    if end == "late":
        monkeypatch.setattr(request_bodies, "READING_SECONDS", 0.05)
    with running_agent(tmp_path) as agent:
        for _ in range(3):
            slow = begun(agent, 5000, b" " * 2000)
            if end == "gone":
                slow.close()
                continue
            if end == "too large":
                slow.send(b" " * 3000)
            assert slow.getresponse().status == (413 if end == "too large" else 408)
            slow.close()
        body = b"{" + b" " * 2000 + b"}"
        wait_until(
            lambda: agent.http.post("/run", content=body, headers=JSON).status_code == 200,
            "its share to be freed",
        )


def test_a_caller_refused_while_sending_still_gets_the_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "LARGEST_TOGETHER_BYTES", 100_000)
    with running_agent(tmp_path) as agent:
        for _ in range(3):
            body = b" " * request_bodies.LARGEST_BODY_BYTES
            assert agent.http.post("/run", content=body, headers=JSON).status_code == 503
            assert agent.run(a=1).status_code == 200


def test_the_search_for_infinite_numbers_takes_linear_time() -> None:
    numbers = b",".join([b"1" * 308] * 1000)
    look = request_bodies.PERHAPS_INFINITE.search
    long = min(timeit.repeat(lambda: look(numbers), number=1, repeat=5))
    short = min(timeit.repeat(lambda: look(b"1," * (len(numbers) // 2)), number=1, repeat=5))
    assert long < 10 * short  # usually 1; 40 if each digit is examined 300 times


def test_a_chunked_body_has_the_same_size_limit(echo: RunningAgent) -> None:
    chunks = (b"x" * 65536 for _ in range(64))
    answer = echo.http.post("/run", content=chunks, headers=JSON)
    assert answer.status_code == 413


def test_a_body_that_does_not_arrive_in_time_is_408(
    echo: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "READING_SECONDS", 0.05)
    connection = begun(echo, 100, b"{")
    assert connection.getresponse().status == 408
    connection.close()


def test_a_caller_that_disconnects_is_logged_without_a_traceback(
    echo: RunningAgent, caplog: pytest.LogCaptureFixture
) -> None:
    begun(echo, 100, b"{").close()
    wait_until(lambda: "the client has gone away" in caplog.text, "the log line", seconds=10)
    assert "Traceback" not in caplog.text
    assert echo.run(a=1).status_code == 200


@pytest.mark.parametrize(
    "returned",
    [
        '{1: "a", "1": "b"}',
        '{"deep": [{"er": {True: 1, "true": 2}}]}',
        '{None: 1, "null": 2}',
        '{1.5: 1, "1.5": 2, 3: 4}',
    ],
)
def test_a_result_with_keys_equal_in_json_is_a_failure(
    tmp_path: Path, returned: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_agent(tmp_path, f"def handle(inputs): return {returned}") as agent:
        assert agent.run().status_code == 500
    assert "two keys of an object are the same in JSON" in caplog.text


def test_a_detail_with_keys_equal_in_json_is_a_failure(tmp_path: Path) -> None:
    handler = """
from fastapi import HTTPException
def handle(inputs): raise HTTPException(422, {1: "a", "1": "b"})
"""
    with running_agent(tmp_path, handler) as agent:
        assert agent.run().status_code == 500


def test_a_result_may_have_keys_that_are_not_strings(tmp_path: Path) -> None:
    handler = "def handle(inputs): return {2: 'a', 'b': {None: 1, 'x': 1.0, True: 'é'}}"
    with running_agent(tmp_path, handler) as agent:
        assert agent.run().text == '{"2": "a", "b": {"null": 1, "x": 1.0, "true": "é"}}'
