import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime.config import ConfigError
from deploygen.runtime.http.request_ids import request_id
from deploygen.runtime.logs import JsonLines, set_up_logs
from tests.deploygen.runtime.running_agent import running_agent

LOGS = """
import logging
{kind} handle(inputs):
    logging.getLogger("mine").info("at work", extra={{"n": 1}})
    return {{}}
"""

IDENTITY = {"agent_id": "an-agent", "version": "1.2.0"}


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def line_of(message: str = "text", *arguments: Any, **more: Any) -> dict[str, Any]:
    record = logging.getLogger("mine").makeRecord(
        "mine",
        logging.INFO,
        "file.py",
        1,
        message,
        arguments,
        more.pop("exc_info", None),
        extra=more,
    )
    text = JsonLines(IDENTITY).format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    assert line.pop("time").endswith("+00:00")
    return line


def test_a_line_is_one_object_with_the_standard_fields() -> None:
    expected = {"level": "INFO", "logger": "mine", **IDENTITY}
    assert line_of("a %s\nb", "1") == {**expected, "message": "a 1\nb"}
    assert line_of(tokens=5) == {**expected, "message": "text", "tokens": 5}


def test_values_outside_json_are_logged_as_text() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert line_of(path=Path("/x"))["path"] == "/x"
    assert line_of(ring=ring)["ring"] == "[[...]]"
    assert line_of(loss=float("nan"), most=[float("-inf")])["loss"] == "nan"


def test_extra_fields_cannot_replace_the_standard_ones() -> None:
    assert line_of(level="DEBUG", agent_id="other") == line_of()


def test_a_traceback_is_in_the_same_line() -> None:
    try:
        int("so it is")
    except ValueError:
        line = line_of(exc_info=sys.exc_info())
    assert line["exception"].startswith("Traceback")
    assert "so it is" in line["exception"]


@pytest.mark.parametrize(
    ("chosen", "is_terminal", "is_json"),
    [("json", True, True), ("text", False, False), ("", True, False), ("", False, True)],
)
def test_a_terminal_gets_text_and_a_pipe_json_unless_the_variable_is_set(
    root: logging.Logger,
    capsys: pytest.CaptureFixture[str],
    chosen: str,
    is_terminal: bool,
    is_json: bool,
) -> None:
    set_up_logs({"agent_id": "an-agent"}, {"AGENT_LOG_FORMAT": chosen}, is_terminal)
    token = request_id.set("an-id")
    logging.getLogger("mine").info("hello")
    request_id.reset(token)
    written = capsys.readouterr()
    assert written.err == ""
    if is_json:
        assert json.loads(written.out)["request_id"] == "an-id"
    else:
        plain = re.sub(r"\x1b\[\d+m", "", written.out)
        assert ("\x1b" in written.out) is is_terminal
        assert re.search(r" INFO +mine: hello \[?an-id\]?\n$", plain)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="AGENT_LOG_FORMAT must be json or text, not 'xml'"):
        set_up_logs({}, {"AGENT_LOG_FORMAT": "xml"}, is_terminal=False)


# --- The id of a request ----------------------------------------------------------------------


class Listener(logging.Handler):
    """Records the request id of each log message."""

    def __init__(self) -> None:
        super().__init__()
        self.request_ids: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.request_ids[record.getMessage()] = request_id.get()


@pytest.fixture
def listener(root: logging.Logger) -> Listener:
    listener = Listener()
    root.addHandler(listener)
    root.setLevel(logging.INFO)
    return listener


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_callers_request_id_is_in_the_response_and_in_all_log_lines(
    tmp_path: Path, listener: Listener, kind: str
) -> None:
    with running_agent(tmp_path, LOGS.format(kind=kind)) as agent:
        sent = {"X-Request-ID": "trace/01:A+b=_.-@"}
        answer = agent.http.post("/run", json={}, headers=sent)
    assert answer.headers["x-request-id"] == sent["X-Request-ID"]
    assert listener.request_ids["at work"] == sent["X-Request-ID"]
    assert listener.request_ids["POST /run: 200"] == sent["X-Request-ID"]
    assert listener.request_ids["an-agent listens on port 8000"] == ""


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, '"', "\u00e9", "a\tb", "${jndi:x}"])
def test_an_invalid_request_id_is_replaced(tmp_path: Path, sent: str) -> None:
    with running_agent(tmp_path) as agent:
        headers = {b"X-Request-ID": sent.encode("latin-1")}
        own = agent.http.get("/health", headers=headers).headers.get_list("x-request-id")
    assert len(own) == 1
    assert len(own[0]) == 32
    assert own[0] != sent


def test_every_response_has_its_own_request_id(tmp_path: Path) -> None:
    with running_agent(tmp_path, "def handle(inputs): 1 / 0") as agent:
        answers = [
            agent.http.get("/health"),
            agent.http.get("/nowhere"),
            agent.http.get("/run"),
            agent.http.post("/run", content=b"{"),
            agent.run(),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 405, 415, 500]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_an_unexpected_exception_is_500_and_logged_with_the_request_id(
    tmp_path: Path, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with running_agent(tmp_path) as agent:
        agent.wait_until_ready()
        del agent.lifecycle.inputs  # no caller can cause this
        answer = agent.run()
        assert agent.http.get("/health").is_success
    assert answer.status_code == 500
    assert "the agent failed" in answer.json()["detail"]
    assert listener.request_ids["the agent failed"] == answer.headers["x-request-id"]
    assert "Traceback" in caplog.text


def test_health_checks_are_not_logged(tmp_path: Path, listener: Listener) -> None:
    with running_agent(tmp_path) as agent:
        agent.http.get("/health/ready")
        agent.http.get("/schema")
    assert [line for line in listener.request_ids if line.startswith("GET")] == ["GET /schema: 200"]
