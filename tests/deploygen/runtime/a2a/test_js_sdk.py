"""The official SDK of A2A 1.0 for JavaScript."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.clients.clients import CLIENTS
from benchmarks.clients.environments import of_npm, run
from tests.deploygen.runtime.running_agent import running_agent

OLDEST_NODE = 20
SPEAKS = """
def handle(inputs):
    yield inputs["input"]
    yield " you"
"""


@pytest.fixture
def node() -> None:
    """Require Node with npm. Debian's is too old, so that a machine without it is no failure."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    if int(version.stdout.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"needs node {OLDEST_NODE} or newer")


@pytest.mark.services
def test_the_sdk_gets_the_same_text_with_and_without_a_stream(node: None, tmp_path: Path) -> None:
    command = of_npm(tmp_path, CLIENTS["js"])
    with running_agent(tmp_path, SPEAKS) as agent:
        shown = json.loads(run([*command, agent.url, "hello"]))
    assert shown == {"answer": "hello you", "streamed": "hello you", "pieces": 3}
