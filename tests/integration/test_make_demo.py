import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.registry_process import (
    PROJECT,
    RegistryProcess,
    environment_for,
    free_port,
    ready_registry,
)
from tests.processes import descendants, is_running, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.alone]

STEPS = 10


@contextmanager
def demo(folder: Path, registry_url: str) -> Iterator["subprocess.Popen[str]"]:
    """Run what `make demo` runs, with temporary files in `folder`."""
    environment = environment_for(folder, TMPDIR=str(folder))
    del environment["REGISTRY_VAR_DIR"]
    with subprocess.Popen(
        [sys.executable, "-m", "examples.lifecycle", "--registry-url", registry_url],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()  # so that it cleans up


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    folder = tmp_path_factory.mktemp("registry")
    environment = environment_for(folder, SWEEP_INTERVAL_SECONDS="1")
    with ready_registry(folder, environment) as registry:
        yield registry


def unused_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_the_demo_shows_every_step_and_leaves_no_files(tmp_path: Path) -> None:
    with demo(tmp_path, unused_url()) as process:
        output, _ = process.communicate(timeout=100)

    assert process.returncode == 0, output
    assert output.count(" s  ok ") == len(output.splitlines()) == STEPS + 1
    assert list(tmp_path.iterdir()) == []


def test_the_demo_uses_a_registry_that_is_already_running(
    tmp_path: Path, registry: RegistryProcess
) -> None:
    with demo(tmp_path, registry.url) as process:
        output, _ = process.communicate(timeout=100)

    assert process.returncode == 0, output
    assert f"at {registry.url}" in output.splitlines()[0]
    assert len(output.splitlines()) == STEPS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_processes_or_files(
    tmp_path: Path, ending: signal.Signals
) -> None:
    with demo(tmp_path, unused_url()) as process:
        assert process.stdout is not None
        while "start the agent" not in (line := process.stdout.readline()):
            assert line
        started = descendants(process.pid)
        process.send_signal(ending)
        assert process.wait(timeout=60) == 130

    wait_until(lambda: not any(is_running(pid) for pid in started), "the end of all programs")
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_fails_names_the_step(tmp_path: Path, registry: RegistryProcess) -> None:
    with demo(tmp_path, registry.url) as process:
        assert process.stdout is not None
        while "start the agent" not in (line := process.stdout.readline()):
            assert line
        agents = [pid for pid, argv in descendants(process.pid).items() if "agent_runtime" in argv]
        assert len(agents) == 1
        os.kill(agents[0], signal.SIGKILL)
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "FAILED" in output.splitlines()[-1]
