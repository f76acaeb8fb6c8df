"""The generated agent as a process that is started, signalled and killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from deploygen.output.rendering import render
from deploygen.output.writing import write_folder
from tests import plain_http
from tests.deploygen.fake_registry import HANGS, FakeRegistry, Reply
from tests.deploygen.specs import spec_of
from tests.processes import descendants, is_running, wait_until

pytestmark = pytest.mark.integration

WAITS = """
import pathlib, time
{kind} handle(inputs):
    pathlib.Path("working").touch()
    while not pathlib.Path("done").exists(): time.sleep(0.01)
    return {{"done": True}}
"""


class AgentProcess:
    def __init__(
        self,
        folder: Path,
        registry_url: str | None,
        handler: str,
        declared: Mapping[str, Any],
        **more: str,
    ) -> None:
        self.folder = folder / "agent"
        write_folder(self.folder, render(spec_of(registry_url)))
        if handler:
            (self.folder / "handler.py").write_text(handler)
        config = self.folder / "agent.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | dict(declared)))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        environ = {"AGENT_PORT": self.url.rpartition(":")[2], "AGENT_HOST": "127.0.0.1", **more}
        if registry_url is not None:
            environ = {"AGENT_TTL_SECONDS": "2", "AGENT_HEARTBEAT_SECONDS": "0.2", **environ}
        self.log = folder / "agent.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent_runtime"],
                cwd=self.folder,
                env=os.environ | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.output
        try:
            return plain_http.get(f"{self.url}/health/ready", timeout=5).is_success
        except httpx.TransportError:
            return False

    def begin_work(self) -> list[httpx.Response | None]:
        """Send a request that lasts until the file "done" exists; its answer is appended."""
        answers: list[httpx.Response | None] = []

        def work() -> None:
            try:
                answers.append(plain_http.post(f"{self.url}/run", json={}, timeout=60))
            except httpx.TransportError:
                answers.append(None)

        threading.Thread(target=work, daemon=True).start()
        wait_until((self.folder / "working").exists, "the work")
        return answers

    def ends_with(self) -> int:
        return self.process.wait(timeout=30)


@contextmanager
def started(
    folder: Path,
    registry: FakeRegistry | None,
    handler: str = "",
    declared: Mapping[str, Any] = MappingProxyType({}),
    **more: str,
) -> Iterator[AgentProcess]:
    """Run a generated agent; `declared` is added to its agent.json, `more` to its environment."""
    agent = AgentProcess(folder, registry.url if registry else None, handler, declared, **more)
    try:
        yield agent
    finally:
        (agent.folder / "done").touch()
        agent.process.kill()
        agent.process.wait()


def beating(registry: FakeRegistry) -> None:
    goal = len(registry.of("heartbeat")) + 2
    wait_until(lambda: len(registry.of("heartbeat")) >= goal, "heartbeats")


def test_an_agent_registers_soon_after_its_start(tmp_path: Path, registry: FakeRegistry) -> None:
    begun = time.monotonic()
    with started(tmp_path, registry):
        wait_until(lambda: registry.calls, "the registration")
        assert time.monotonic() - begun < 5  # a second when idle


def test_a_plugin_for_pydantic_that_fails_does_not_keep_the_agent_from_starting(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    about = tmp_path / "plugins/a_plugin-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[pydantic]\na = a_plugin:plugin\n")
    (about.parent / "a_plugin.py").write_text("raise OSError('could not get source code')")
    with started(tmp_path, registry, PYTHONPATH=str(about.parent)) as agent:
        wait_until(agent.is_ready, "readiness")


def test_a_stopped_agent_finishes_its_work_deregisters_and_exits_with_0(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    with started(tmp_path, registry, WAITS.format(kind="def")) as agent:
        wait_until(agent.is_ready, "readiness")
        answers = agent.begin_work()
        agent.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not agent.is_ready(), "unreadiness")
        assert registry.of("delete") == []
        (agent.folder / "done").touch()
        assert agent.ends_with() == 0
        wait_until(lambda: answers, "the answer")
        assert answers[0] is not None
        assert answers[0].json() == {"done": True}
        assert registry.calls[-1].kind == "delete"
        assert "Traceback" not in agent.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_agent_stops_at_once(
    tmp_path: Path, registry: FakeRegistry, number: signal.Signals
) -> None:
    with started(tmp_path, registry) as agent:
        beating(registry)
        agent.process.send_signal(number)
        assert agent.ends_with() == 0
        assert registry.calls[-1].kind == "delete"
        assert "Traceback" not in agent.output


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_handler_that_never_ends_does_not_prevent_stopping(
    tmp_path: Path, registry: FakeRegistry, kind: str
) -> None:
    handler = WAITS.format(kind=kind)
    with started(tmp_path, registry, handler, AGENT_DRAIN_SECONDS="0.2") as agent:
        wait_until(agent.is_ready, "readiness")
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")
        agent.begin_work()
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        assert registry.calls[-1].kind == "delete"


LEAVES_WORK = """
import asyncio, pathlib, threading, time
from concurrent.futures import ThreadPoolExecutor

def work():
    pathlib.Path("working").touch()
    while not pathlib.Path("done").exists(): time.sleep(0.01)

async def swallow():
    pathlib.Path("working").touch()
    while not pathlib.Path("done").exists():
        try: await asyncio.sleep(0.01)
        except asyncio.CancelledError: pass

async def block_when_cancelled():
    pathlib.Path("working").touch()
    try: await asyncio.Event().wait()
    finally:
        # Longer than the agent waits for it.
        try: await asyncio.sleep(0.4)
        finally: work()

async def handle(inputs):
    {left}
    return {{}}
"""
LEFT = {
    "a thread of asyncio's": "await asyncio.to_thread(work)",
    "a thread of its own": "threading.Thread(target=work).start()",
    "a pool of its own": "handle.pool = ThreadPoolExecutor(1); handle.pool.submit(work)",
    "a task that swallows its cancellation": "handle.task = asyncio.create_task(swallow())",
    "a task that blocks": "handle.task = asyncio.create_task(block_when_cancelled())",
    "a call that blocks when it is cancelled": "await block_when_cancelled()",
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_work_left_behind_by_a_handler_does_not_prevent_stopping(
    tmp_path: Path, registry: FakeRegistry, left: str
) -> None:
    handler = LEAVES_WORK.format(left=left)
    with started(tmp_path, registry, handler, AGENT_DRAIN_SECONDS="0.2") as agent:
        wait_until(lambda: agent.is_ready() and registry.of("heartbeat"), "a heartbeat")
        agent.begin_work()
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        assert registry.calls[-1].kind == "delete"


def test_atexit_functions_run_for_a_limited_time(tmp_path: Path) -> None:
    handler = """
import atexit, pathlib, threading
atexit.register(threading.Event().wait)
atexit.register(pathlib.Path("put in order").touch)
def handle(inputs):
    print("from the handler")
    return {}
"""
    with started(tmp_path, None, handler) as agent:
        wait_until(agent.is_ready, "readiness")
        assert plain_http.post(f"{agent.url}/run", json={}).is_success
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        assert (agent.folder / "put in order").exists()
        assert "from the handler" in agent.output


def test_printed_output_is_complete_after_the_exit(tmp_path: Path) -> None:
    handler = "def handle(inputs):\n    print('from the handler')\n    return {}"
    with started(tmp_path, None, handler) as agent:
        wait_until(agent.is_ready, "readiness")
        assert plain_http.post(f"{agent.url}/run", json={}).is_success
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        assert "from the handler" in agent.output


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit", "BaseException"])
def test_no_exception_of_a_handler_ends_the_agent(tmp_path: Path, kind: str, raised: str) -> None:
    handler = f"{kind} handle(inputs): raise {raised}"
    with started(tmp_path, None, handler) as agent:
        wait_until(agent.is_ready, "readiness")
        for _ in range(2):
            answer = plain_http.post(f"{agent.url}/run", json={})
            assert answer.status_code == 500
            assert answer.json()["detail"].startswith(f"handle() raised {raised};")
        assert agent.is_ready()


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit"])
def test_no_exception_of_a_handlers_task_ends_the_agent(
    tmp_path: Path, registry: FakeRegistry, raised: str
) -> None:
    handler = f"""
import asyncio
async def fail(): raise {raised}
async def handle(inputs): await asyncio.gather(fail())
"""
    with started(tmp_path, registry, handler) as agent:
        wait_until(lambda: agent.is_ready() and registry.of("heartbeat"), "a heartbeat")
        for _ in range(2):
            answer = plain_http.post(f"{agent.url}/run", json={})
            assert answer.status_code == 500
            assert answer.json()["detail"].startswith(f"handle() raised {raised};")
        assert agent.is_ready()
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
    assert registry.calls[-1].kind == "delete"


def test_a_hanging_registry_does_not_prevent_stopping(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.always["delete"] = HANGS
    with started(tmp_path, registry) as agent:
        beating(registry)
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0


def test_a_handler_that_blocks_the_loop_does_not_lose_the_lease(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    with started(tmp_path, registry, WAITS.format(kind="async def")) as agent:
        wait_until(agent.is_ready, "readiness")
        agent.begin_work()
        beating(registry)
        wait_until(lambda: registry.calls[-1].body["status"] == "degraded", "a degraded heartbeat")
        assert len(registry.of("register")) == 1


def test_a_killed_agent_does_not_deregister(tmp_path: Path, registry: FakeRegistry) -> None:
    with started(tmp_path, registry) as agent:
        beating(registry)
        agent.process.kill()
        assert agent.ends_with() == -signal.SIGKILL
    assert registry.of("delete") == []


def test_an_agent_that_was_paused_registers_again(tmp_path: Path, registry: FakeRegistry) -> None:
    with started(tmp_path, registry) as agent:
        beating(registry)
        agent.process.send_signal(signal.SIGSTOP)
        # As if the lease had ended and the record had been purged.
        registry.script["heartbeat"] = [Reply(404)]
        agent.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(registry.of("register")) == 2, "a second registration")
        beating(registry)
        assert agent.is_ready()


def test_an_agent_starts_without_its_registry_and_registers_later(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.stop()
    with started(tmp_path, registry) as agent:
        wait_until(agent.is_ready, "readiness")
        assert plain_http.post(f"{agent.url}/run", json={"input": "hello"}).json() == {
            "echo": {"input": "hello"}
        }
        registry.start()
        beating(registry)


def test_an_agent_without_registry_integration_works_and_stops(tmp_path: Path) -> None:
    with started(tmp_path, None) as agent:
        wait_until(agent.is_ready, "readiness")
        assert plain_http.post(f"{agent.url}/run", json={"a": 1}).json() == {"echo": {"a": 1}}
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0


def test_the_healthcheck_finds_a_running_agent_healthy(tmp_path: Path) -> None:
    with started(tmp_path, None) as agent:
        wait_until(agent.is_ready, "readiness")
        port = agent.url.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "agent_runtime.healthcheck"],
            cwd=agent.folder,
            env=os.environ | {"AGENT_PORT": port},
            check=False,
        )
        assert done.returncode == 0


def test_a_taken_port_is_reported_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started(tmp_path, None, AGENT_PORT=port) as agent:
            assert agent.ends_with() == 1
            assert f"The agent cannot start: port {port} (AGENT_PORT)" in agent.output
            assert "Traceback" not in agent.output


def test_the_log_is_one_json_object_a_line_with_the_request_id(tmp_path: Path) -> None:
    handler = "def handle(inputs): return 1 / 0"
    with started(tmp_path, None, handler) as agent:
        wait_until(agent.is_ready, "readiness")
        headers = {"X-Request-ID": "an-id"}
        plain_http.post(f"{agent.url}/run", json={}, headers=headers)
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        lines = [json.loads(line) for line in agent.output.splitlines()]
    assert all(line["agent_id"] == "an-agent" for line in lines)
    request_lines = [line for line in lines if line.get("request_id") == "an-id"]
    failed, answered = request_lines
    assert "ZeroDivisionError" in failed["exception"]
    assert (answered["message"], answered["status"]) == ("POST /run: 500", 500)


def test_a_secret_is_read_from_its_file_and_not_logged(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret-value\n")
    handler = "import os\nKEY = os.environ['API_KEY']\ndef handle(i): return {'n': len(KEY)}"
    path = str(tmp_path / "key")
    with started(tmp_path, None, handler, {"secrets": ["API_KEY"]}, API_KEY_FILE=path) as agent:
        wait_until(agent.is_ready, "readiness")
        assert plain_http.post(f"{agent.url}/run", json={}).json() == {"n": 12}
        assert "s3cret" not in agent.output


def test_a_hanging_dependency_does_not_prevent_registering_or_stopping(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with started(tmp_path, registry, "", {"dependencies": [url]}) as agent:
            beating(registry)
            ready = plain_http.get(f"{agent.url}/health/ready")
            assert ready.status_code == 503
            assert ready.json()["reason"] == "a dependency is away"
            agent.process.send_signal(signal.SIGTERM)
            assert agent.ends_with() == 0
    assert registry.calls[-1].kind == "delete"


def test_a_running_coroutine_is_cancelled_before_the_process_exits(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    handler = """
import asyncio, pathlib
async def handle(inputs):
    pathlib.Path("working").touch()
    try:
        await asyncio.Event().wait()
    finally:
        pathlib.Path("put in order").touch()
"""
    with started(tmp_path, registry, handler, AGENT_DRAIN_SECONDS="0.2") as agent:
        wait_until(lambda: agent.is_ready() and registry.of("heartbeat"), "a heartbeat")
        answers = agent.begin_work()
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        wait_until(lambda: answers, "the answer")
        assert answers[0] is not None
        assert answers[0].status_code == 503
        assert (agent.folder / "put in order").exists()
        assert registry.calls[-1].kind == "delete"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_agent_listens_on_ipv4_and_ipv6(tmp_path: Path, host: str) -> None:
    if ":" in host and not _has_loopback(host):
        pytest.skip("this machine has no IPv6")
    with started(tmp_path, None) as agent:
        wait_until(agent.is_ready, "readiness")
        port = int(agent.url.rpartition(":")[2])
        with socket.create_connection((host, port), timeout=10) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def _has_loopback(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


FORKS = """
import multiprocessing, os, signal, subprocess, sys
from concurrent.futures import ProcessPoolExecutor
POOL = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))
def work(_):
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{fd}")]
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    tables = [open(f"/proc/net/{name}").read() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    port = f":{int(os.environ['AGENT_PORT']):04X}"
    held = [row for row in rows if row[9] in sockets and row[1].endswith(port)]
    return [os.getpid(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, len(held)]
def handle(inputs):
    subprocess.Popen([sys.executable, "-c", "import signal, time; "
                      "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
    return {"children": list(POOL.map(work, range(2)))}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_stopped_agent_leaves_no_child_process_and_frees_its_port(
    tmp_path: Path,
) -> None:
    with started(tmp_path, None, FORKS) as agent:
        wait_until(agent.is_ready, "readiness")
        result = plain_http.post(f"{agent.url}/run", json={}).json()
        # The pool's processes have default signal handlers and none of the agent's sockets.
        assert [child[1:] for child in result["children"]] == [[True, 0], [True, 0]]
        below = descendants(agent.process.pid)
        assert len(below) >= 2
        agent.process.send_signal(signal.SIGTERM)
        assert agent.ends_with() == 0
        wait_until(lambda: not any(is_running(pid) for pid in below), "the end of all", 5)
        with socket.create_server(("127.0.0.1", int(agent.url.rpartition(":")[2]))):
            pass
