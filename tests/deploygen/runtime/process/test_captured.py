"""What an agent prints, warns of and raises outside its requests, in its log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.deploygen.runtime.process.test_process import AgentProcess, started
from tests.processes import wait_until

pytestmark = pytest.mark.integration

HANDLER = """
import asyncio, faulthandler, subprocess, sys, threading, warnings
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)

def fail():
    print("in a thread")
    raise ValueError("of a thread")

class Unraisable:
    def __del__(self): raise ValueError("of a destructor")

def handle(inputs):
    what = inputs["what"]
    if what == "print":
        print("two\\nlines")
        print("no end", end="", flush=True)
    elif what == "write":
        sys.stdout.write("x")
        sys.stderr.write("y\\n")
        sys.stdout.buffer.write(b"bytes \\xff\\n")
    elif what == "bar":
        for percent in (0, 50, 100): sys.stderr.write(f"\\r{percent} %")
        sys.stderr.write("\\n")
    elif what == "warning":
        warnings.warn("mind the gap")
    elif what == "thread":
        thread = threading.Thread(target=fail, name="mine")
        thread.start()
        thread.join()
    elif what == "executor":
        pool.submit(print, "in a pool").result()
    elif what == "destructor":
        Unraisable()
    elif what == "child":
        subprocess.run([sys.executable, "-c", "print('of a child')"], stdout=sys.stdout)
    return {"faulthandler": faulthandler.is_enabled()}
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    with started(tmp_path_factory.mktemp("captured"), None, HANDLER) as agent:
        wait_until(agent.is_ready, "readiness")
        yield agent


def run(agent: AgentProcess, what: str) -> list[dict[str, Any]]:
    """Return the log's lines of the run, without that of the request."""
    headers = {"X-Request-ID": what}
    answer = plain_http.post(f"{agent.url}/run", json={"what": what}, headers=headers, timeout=30)
    assert answer.json() == {"faulthandler": True}
    wait_until(lambda: f'"request_id": "{what}"' in agent.output, "the log line")
    lines = [json.loads(line) for line in agent.output.splitlines() if line.startswith("{")]
    return [
        line
        for line in lines
        if line.get("request_id") == what and line["logger"] != "agent.requests"
    ]


def outline(lines: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["logger"], line["level"], line["message"]) for line in lines]


def test_each_printed_line_is_a_record_of_its_request(agent: AgentProcess) -> None:
    assert outline(run(agent, "print")) == [
        ("agent.stdout", "INFO", "two"),
        ("agent.stdout", "INFO", "lines"),
        ("agent.stdout", "INFO", "no end"),
    ]


def test_what_is_written_without_an_end_breaks_no_other_line(agent: AgentProcess) -> None:
    assert outline(run(agent, "write")) == [
        ("agent.stderr", "WARNING", "y"),
        ("agent.stdout", "INFO", "xbytes \\xff"),
    ]


def test_of_a_progress_bar_the_last_state_is_logged(agent: AgentProcess) -> None:
    assert outline(run(agent, "bar")) == [("agent.stderr", "WARNING", "100 %")]


def test_a_warning_is_a_record(agent: AgentProcess) -> None:
    [line] = run(agent, "warning")
    assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")
    assert "mind the gap" in line["message"]


def test_what_a_thread_raises_is_a_record_of_the_request_that_started_it(
    agent: AgentProcess,
) -> None:
    printed, failed = run(agent, "thread")
    assert printed["message"] == "in a thread"
    assert (failed["level"], failed["message"]) == ("ERROR", "the thread mine failed")
    assert "ValueError: of a thread" in failed["exception"]


def test_a_thread_of_a_pool_belongs_to_no_request(agent: AgentProcess) -> None:
    assert run(agent, "executor") == []
    [line] = [line for line in agent.output.splitlines() if "in a pool" in line]
    assert "request_id" not in json.loads(line)


def test_an_exception_that_nobody_can_catch_is_a_record(agent: AgentProcess) -> None:
    [line] = run(agent, "destructor")
    assert "__del__" in line["message"]
    assert "of a destructor" in line["exception"]


def test_a_child_process_may_write_to_the_agents_output(agent: AgentProcess) -> None:
    assert run(agent, "child") == []
    assert "of a child\n" in agent.output


def test_every_other_line_of_the_log_is_json(agent: AgentProcess) -> None:
    run(agent, "print")
    for line in agent.output.splitlines():
        assert line == "of a child" or json.loads(line)


def test_text_logs_leave_output_alone(tmp_path: Path) -> None:
    handler = "import sys\nsys.stderr.write('as it is')\ndef handle(inputs): return {}"
    with started(tmp_path, None, handler, AGENT_LOG_FORMAT="text") as agent:
        wait_until(agent.is_ready, "readiness")
        assert "as it is" in agent.output
        assert "agent.stderr" not in agent.output
