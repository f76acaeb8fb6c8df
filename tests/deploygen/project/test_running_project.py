"""A project with a package and data is generated, and runs from its folder."""

import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.core.management import call_command

from tests import plain_http
from tests.integration.registry_process import free_port
from tests.processes import wait_until

pytestmark = pytest.mark.integration

FILES = {
    "agent.yaml": 'name: an-agent\nhandler: tools.work:run\ninclude: ["*", .prompts/]\n',
    "tools/__init__.py": "",
    "tools/work.py": """
import subprocess
from pathlib import Path

from .words import WORDS

HERE = Path(__file__).parent


def run(inputs):
    return {
        "beside": (HERE / "words.txt").read_text(),
        "above": (HERE.parent / "prompts/system.md").read_text(),
        "working folder": Path("prompts/system.md").read_text(),
        "hidden": Path(".prompts/a.md").read_text(),
        "relative": WORDS,
        "program": subprocess.check_output([HERE / "program"], text=True),
    }
""",
    "tools/words.py": "WORDS = ['a', 'b']\n",
    "tools/words.txt": "words",
    "tools/program": "#!/bin/sh\necho ran\n",
    "prompts/system.md": "system",
    ".prompts/a.md": "hidden",
}


def is_ready(url: str) -> bool:
    try:
        return plain_http.get(f"{url}/health/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_a_project_finds_its_modules_data_and_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, text in FILES.items():
        (tmp_path / "spec" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "spec" / path).write_text(text)
    (tmp_path / "spec/tools/program").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    call_command("generate_agent", "spec/agent.yaml", "--no-registry", stdout=io.StringIO())

    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "agent_runtime"],
        cwd="an-agent",
        env={**os.environ, "AGENT_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: is_ready(url), "readiness")
            assert plain_http.post(f"{url}/run", json={}).json() == {
                "beside": "words",
                "above": "system",
                "working folder": "system",
                "hidden": "hidden",
                "relative": ["a", "b"],
                "program": "ran\n",
            }
        finally:
            process.terminate()
    assert "!.prompts/a.md" in Path("an-agent/.dockerignore").read_text().splitlines()
