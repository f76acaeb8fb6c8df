"""Logs for people."""

import logging
import sys
from pathlib import Path

import pytest

from deploygen.runtime.text_logs import TextLines
from tests.deploygen.runtime.running_agent import running_agent


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.handler.setFormatter(TextLines())
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_traceback_begins_with_the_handler(
    tmp_path: Path, lines: pytest.LogCaptureFixture, kind: str
) -> None:
    code = (
        f"{kind} handle(inputs):\n"
        "    try:\n"
        "        int('one')\n"
        "    except ValueError as error:\n"
        "        raise RuntimeError('no number') from error\n"
    )
    with running_agent(tmp_path, code) as agent:
        assert agent.run().status_code == 500

    files = [line.strip() for line in lines.text.splitlines() if line.startswith("  File ")]
    assert len(files) == 2
    assert all(f"{agent.module}.py" in file for file in files)
    assert "ValueError: invalid literal" in lines.text
    assert "RuntimeError: no number" in lines.text


def test_a_syntax_error_is_shown_without_what_imports_the_module(
    tmp_path: Path, lines: pytest.LogCaptureFixture
) -> None:
    with running_agent(tmp_path, "def handle(inputs)\n") as agent:
        assert agent.run().status_code == 503

    files = [line.strip() for line in lines.text.splitlines() if line.startswith("  File ")]
    assert files == [f'File "{tmp_path}/{agent.module}.py", line 1']


def test_an_error_outside_the_authors_code_keeps_its_traceback() -> None:
    try:
        logging.getLogger("mine").setLevel("LOUD")
    except ValueError:
        text = TextLines().formatException(sys.exc_info())
    assert "setLevel" in text
