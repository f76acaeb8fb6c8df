"""Web processes run the background thread, and no other process does."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.registry_process import MANAGE, PROJECT, environment_for, migrate

COUNT = "[thread.name for thread in threading.enumerate()].count('background')"
# A server may load the application before it forks.
FORK = f"""
import os, sys, threading
import registry_project.{{module}}
here = {COUNT}
child = os.fork()
if child == 0:
    os._exit({COUNT})
print(here, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    environment = environment_for(tmp_path)
    migrate(environment)
    return environment


def output_of(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        argv, env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["wsgi", "asgi"])
def test_a_web_process_and_its_forks_run_the_background_thread(
    environment: dict[str, str], module: str
) -> None:
    argv = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK.format(module=module)]

    assert output_of(argv, environment) == "1 1"


def test_a_command_does_not_run_the_background_thread(environment: dict[str, str]) -> None:
    code = f"import threading; print({COUNT})"

    assert output_of([*MANAGE, "shell", "--verbosity=0", "-c", code], environment) == "0"


def test_a_worker_does_not_run_the_background_thread(environment: dict[str, str]) -> None:
    code = (
        "import threading; from registry_project.celery import app; "
        f"app.loader.import_default_modules(); print({COUNT})"
    )

    assert output_of([sys.executable, "-c", code], environment) == "0"
