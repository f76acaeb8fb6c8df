import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploygen.runtime.config import AgentConfig, ConfigError
from deploygen.runtime.extensions import StatusReader, load_extensions
from deploygen.runtime.http import connections as agent_connections
from deploygen.runtime.process import lifecycle
from tests import plain_http
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

# A handler that works until a file exists.
WAITS = """
import pathlib, time
def handle(inputs):
    while not pathlib.Path(inputs["until"]).exists(): time.sleep(0.01)
    return {"done": True}
"""
RECORDING_EXTENSION = """
import pathlib

class Recorder:
    def __init__(self, path): self.path, self.why = pathlib.Path(path), None
    def note(self, word):
        with self.path.open("a") as file: file.write(word + "\\n")
    async def start(self): self.note("start")
    def drain(self): self.note("drain")
    async def stop(self): self.note("stop")
    def metrics(self): return []
    def problem(self):
        from deploygen.runtime.problems import Problem
        return Problem("no", "asked to say no") if self.path.with_suffix(".no").exists() else None

def extension(config, status): return Recorder(config.model_extra["record"])
"""


def in_thread(call: Callable[[], httpx.Response]) -> tuple[threading.Thread, list[httpx.Response]]:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    return thread, answers


def with_recorder(folder: Path, source: str = RECORDING_EXTENSION) -> dict[str, Any]:
    sys.modules.pop("recorder_of_a_test", None)  # another test's
    (folder / "recorder_of_a_test.py").write_text(source)
    return {"extensions": ["recorder_of_a_test"], "record": str(folder / "record")}


def running(agent: RunningAgent) -> bool:
    return agent.lifecycle.jobs.running == 1


def test_a_stopping_agent_finishes_running_work_and_refuses_new_work(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS) as agent:
        agent.wait_until_ready()
        thread, answers = in_thread(
            lambda: plain_http.post(f"{agent.url}/run", json={"until": str(done)})
        )
        wait_until(lambda: running(agent), "the request")

        agent.lifecycle.request_stop()

        wait_until(lambda: agent.reason() == "the agent is stopping", "draining")
        assert agent.lifecycle.status().status == "draining"
        refused = agent.run(until=str(done))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert agent.http.get("/health/live").is_success
        done.touch()
        thread.join(30)
        agent.thread.join(30)
        assert not agent.thread.is_alive()
    assert answers[0].json() == {"done": True}


def test_work_that_exceeds_the_drain_time_is_abandoned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS, {"AGENT_DRAIN_SECONDS": "0.1"}) as agent:
        agent.wait_until_ready()
        thread, _ = in_thread(lambda: _post(agent, until=str(done)))
        wait_until(lambda: running(agent), "the request")
        agent.lifecycle.request_stop()
        wait_until(lambda: "without 1 running" in caplog.text, "the end of draining")
        done.touch()
        thread.join(30)


def test_a_second_stop_request_abandons_running_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS, {"AGENT_DRAIN_SECONDS": "600"}) as agent:
        agent.wait_until_ready()
        thread, _ = in_thread(lambda: _post(agent, until=str(done)))
        wait_until(lambda: running(agent), "the request")
        agent.lifecycle.request_stop()
        wait_until(lambda: agent.lifecycle.draining, "draining")
        agent.lifecycle.request_stop()
        wait_until(lambda: "without 1 running" in caplog.text, "the end of draining")
        done.touch()
        thread.join(30)


CLEANS_UP = """
import asyncio, pathlib
async def handle(inputs):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        pathlib.Path(inputs["cleaned"]).touch()
        raise
"""


@pytest.mark.parametrize("sync_timeout", [0.01, 600])
def test_unfinished_coroutines_are_cancelled_and_can_clean_up(
    tmp_path: Path, sync_timeout: float
) -> None:
    cleaned = tmp_path / "cleaned"
    environ = {"AGENT_DRAIN_SECONDS": "0.1"}
    with running_agent(tmp_path, CLEANS_UP, environ, sync_timeout=sync_timeout) as agent:
        agent.wait_until_ready()
        thread, answers = in_thread(lambda: _post(agent, cleaned=str(cleaned)))
        wait_until(lambda: running(agent), "the request")
        if sync_timeout == 0.01:
            wait_until(lambda: answers, "the id of the job")
        agent.lifecycle.request_stop()
        thread.join(30)
        agent.thread.join(30)
    assert cleaned.exists()
    expected = (202, "running") if sync_timeout == 0.01 else (503, "the agent is stopping")
    body = answers[0].json()
    assert (answers[0].status_code, body.get("status") or body["detail"]) == expected


def test_a_background_job_is_finished_before_the_agent_stops(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, WAITS, sync_timeout=0.01) as agent:
        agent.wait_until_ready()
        job = agent.run(until=str(done)).json()
        agent.lifecycle.request_stop()
        wait_until(lambda: agent.lifecycle.draining, "draining")
        assert agent.http.get(job["status_url"]).json()["status"] == "running"
        done.touch()
        agent.thread.join(30)
    known = agent.lifecycle.jobs.find(job["job_id"])
    assert known is not None
    assert known.state == "done"


def _post(agent: RunningAgent, **inputs: str) -> httpx.Response:
    try:
        return plain_http.post(f"{agent.url}/run", json=inputs)
    except httpx.HTTPError:
        return httpx.Response(599)


def test_extensions_are_started_drained_and_stopped_once(tmp_path: Path) -> None:
    with running_agent(tmp_path, **with_recorder(tmp_path)) as agent:
        agent.wait_until_ready()
    assert (tmp_path / "record").read_text().split() == ["start", "drain", "stop"]


def test_extensions_stop_before_the_server_does(tmp_path: Path) -> None:
    source = RECORDING_EXTENSION.replace(
        'async def stop(self): self.note("stop")',
        "async def stop(self):\n"
        "        import asyncio\n"
        "        self.note('stop')\n"
        "        while not self.path.with_suffix('.go').exists(): await asyncio.sleep(0.01)",
    )
    with running_agent(tmp_path, **with_recorder(tmp_path, source)) as agent:
        wait_until((tmp_path / "record").exists, "the start of the extension")
        agent.lifecycle.request_stop()
        record = tmp_path / "record"
        wait_until(lambda: "stop" in record.read_text().split(), "the stopping of the extension")
        assert agent.reason() == "the agent is stopping"
        (tmp_path / "record.go").touch()


def test_an_extensions_problem_makes_the_agent_unready(tmp_path: Path) -> None:
    with running_agent(tmp_path, **with_recorder(tmp_path)) as agent:
        agent.wait_until_ready()
        (tmp_path / "record.no").touch()
        assert agent.reason() == "asked to say no"


def test_a_missing_extension_is_refused_by_name(tmp_path: Path) -> None:
    config = AgentConfig(
        name="a",
        agent_id="a",
        description="",
        port=1,
        drain_seconds=1.0,
        extensions=["no_such_extension"],
        environ={},
    )
    status: StatusReader = lifecycle.Lifecycle.status  # type: ignore[assignment]  # not called
    with pytest.raises(ConfigError, match="no_such_extension"):
        load_extensions(config, status)


def test_a_taken_port_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} \(AGENT_PORT\).*in use"):
            agent_connections.listen(port)


def test_an_agent_listens_on_all_addresses_or_on_the_one_that_is_set() -> None:
    for address, others in (("", True), ("127.0.0.1", False)):
        with agent_connections.listen(0, address) as listening:
            port = listening.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), 30).close()
            if others:
                socket.create_connection(("127.0.0.2", port), 30).close()
            else:
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.2", port), 30)


def test_an_address_that_the_machine_does_not_have_is_reported() -> None:
    with pytest.raises(ConfigError, match=r"of 192\.0\.2\.1 \(AGENT_LISTEN\) cannot be used"):
        agent_connections.listen(0, "192.0.2.1")


def test_a_stop_request_before_serving_is_not_lost(tmp_path: Path) -> None:
    started = time.monotonic()
    with running_agent(tmp_path) as agent:
        agent.lifecycle.request_stop()
        agent.thread.join(30)
        assert not agent.thread.is_alive()
    assert time.monotonic() - started < 30


def test_a_handler_that_blocks_the_loop_is_abandoned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = tmp_path / "done"
    handler = WAITS.replace("def handle", "async def handle")
    more = with_recorder(tmp_path)
    with running_agent(tmp_path, handler, {"AGENT_DRAIN_SECONDS": "0.1"}, **more) as agent:
        agent.wait_until_ready()
        thread, _ = in_thread(lambda: _post(agent, until=str(done)))
        wait_until(lambda: running(agent), "the request")
        agent.lifecycle.request_stop()
        wait_until(lambda: agent.given_up, "the end of draining")
        assert "the handler blocks the event loop" in caplog.text
        assert "stop" in (tmp_path / "record").read_text().split()
        done.touch()
        thread.join(30)
