"""Export of a large fleet through the registry's own web server."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.exports import MAX_GROWTH, export, warm_up
from tests.integration.registry_process import PROJECT
from tests.registry_project.server.registry_web import prepared, registry_web

AGENTS = 40_000
# Creates a fleet, and prints the session cookie of a user who may export it.
PREPARE = f"""
import django
django.setup()
from benchmarks.sample_agents import fill
from benchmarks.front_page import log_in
fill(agents={AGENTS}, expired=20)
print(log_in()["Cookie"])
"""


@pytest.mark.timeout(300)
def test_an_export_is_streamed_and_never_held_in_memory(tmp_path: Path) -> None:
    environment = prepared(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    cookie = done.stdout.strip()
    with registry_web(tmp_path, environment) as web:
        address, [worker] = ("127.0.0.1", web.port), web.workers()
        warm_up(address, cookie)
        for kind in ("json", "csv"):
            result = export(address, worker, cookie, kind, pauses=kind == "json")
            assert result.agents == AGENTS
            assert result.growth < min(MAX_GROWTH, result.size / 2)
            assert result.first_row < result.seconds / 4
