from pathlib import Path

import pytest

from deploygen.runtime import server
from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_until


def test_a_running_agent_is_alive_and_healthy(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert agent.http.get("/health").json() == {"status": "healthy"}
        assert agent.http.get("/health/live").json() == {"status": "alive"}


def test_an_agent_is_ready_once_its_handler_is_loaded(tmp_path: Path) -> None:
    go = tmp_path / "go"
    handler = f"""
import pathlib, time
while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)
def handle(inputs): return {{}}
"""
    with running_agent(tmp_path, handler) as agent:
        assert agent.reason() == "the handler is being loaded"
        assert agent.http.get("/health/live").is_success
        assert agent.lifecycle.status().status == "starting"
        go.touch()
        agent.wait_until_ready()
        assert agent.http.get("/health/ready").json() == {"status": "ready"}
        assert agent.lifecycle.status().status == "ready"


def test_run_passes_the_inputs_to_the_handler_and_returns_its_result(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        answer = agent.run(input="hello", more=[1, None])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"echo": {"input": "hello", "more": [1, None]}}


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b"\xff"])
def test_a_body_that_is_not_a_json_object_is_refused(tmp_path: Path, body: bytes) -> None:
    with running_agent(tmp_path) as agent:
        answer = agent.http.post("/run", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_a_failing_handler_is_500_and_the_agent_keeps_working(tmp_path: Path) -> None:
    handler = "def handle(inputs): return {'half': 1 / inputs['by']}"
    with running_agent(tmp_path, handler) as agent:
        failed = agent.run(by=0)
        assert failed.status_code == 500
        assert "ZeroDivisionError" in failed.json()["detail"]
        assert agent.run(by=2).json() == {"half": 0.5}


def test_an_http_exception_of_the_handler_becomes_the_response(tmp_path: Path) -> None:
    handler = "from fastapi import HTTPException\ndef handle(i): raise HTTPException(422, 'no x')"
    with running_agent(tmp_path, handler) as agent:
        answer = agent.run()
    assert (answer.status_code, answer.json()) == (422, {"detail": "no x"})


def test_a_handler_that_cannot_be_loaded_makes_the_agent_unready_with_the_reason(
    tmp_path: Path,
) -> None:
    with running_agent(tmp_path, "raise ValueError('secret')") as agent:
        wait_until(lambda: "cannot be loaded: ValueError" in str(agent.reason()), "the reason")
        assert "secret" not in str(agent.reason()) + agent.lifecycle.status().note
        assert agent.lifecycle.status().status == "degraded"
        answer = agent.run()
        assert answer.status_code == 503
        assert "the handler cannot be loaded" in answer.json()["detail"]
        assert "ValueError" not in answer.json()["detail"]
        assert answer.headers["retry-after"] == "5"
        assert agent.http.get("/health/live").is_success


def test_the_openapi_document_names_the_agent(tmp_path: Path) -> None:
    with running_agent(tmp_path, description="Answers all.") as agent:
        info = agent.http.get("/openapi.json").json()["info"]
    assert (info["title"], info["description"]) == ("An agent", "Answers all.")


def test_an_agent_without_its_file_does_not_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert server.main(tmp_path) == 1
    assert "The agent cannot start" in capsys.readouterr().err
