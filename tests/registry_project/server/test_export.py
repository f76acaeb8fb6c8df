"""A large fleet exported by an operator, through the registry's own web server."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.exports import MOST_GROWTH, export, warm_up
from tests.integration.registry_process import PROJECT
from tests.registry_project.server.registry_web import prepared, registry_web

AGENTS = 20_000
# Makes a fleet, and prints the cookie of somebody who may export it.
PREPARE = f"""
import django
django.setup()
from benchmarks.fleets import fill
from benchmarks.front_page import log_in
fill(agents={AGENTS}, expired=20)
print(log_in()["Cookie"])
"""


@pytest.mark.timeout(300)
def test_an_export_leaves_as_it_is_made_and_is_never_held(tmp_path: Path) -> None:
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
            seen = export(address, worker, cookie, kind, pauses=kind == "json")
            assert seen.agents == AGENTS
            assert seen.growth < min(MOST_GROWTH, seen.size / 2)
            assert seen.first_row < seen.seconds / 4
