import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    free_port,
    migrate,
    started_registry,
)
from tests.processes import descendants, is_running, wait_until

pytestmark = pytest.mark.integration


Folders = pytest.TempPathFactory


@pytest.fixture
def environment(tmp_path_factory: Folders) -> dict[str, str]:
    return new_environment(tmp_path_factory)


@pytest.fixture
def registry(tmp_path: Path, environment: dict[str, str]) -> Iterator[RegistryProcess]:
    with started_registry(tmp_path, environment) as registry:
        registry.wait_until_ready()
        yield registry


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: Folders) -> Iterator[RegistryProcess]:
    """A registry that tests only read from."""
    environment = new_environment(tmp_path_factory)
    with started_registry(tmp_path_factory.mktemp("started-in"), environment) as registry:
        registry.wait_until_ready()
        yield registry


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: Folders) -> Iterator[RegistryProcess]:
    """A registry whose programs tests kill one by one."""
    environment = new_environment(tmp_path_factory)
    with started_registry(tmp_path_factory.mktemp("started-in"), environment) as registry:
        registry.wait_until_ready()
        yield registry


def new_environment(folders: Folders) -> dict[str, str]:
    """Return an environment with a migrated database."""
    folder = folders.mktemp("registry")
    environment = environment_for(folder, SWEEP_INTERVAL_SECONDS="1", TERM="dumb")
    migrate(environment)
    return environment


def assert_it_sweeps(registry: RegistryProcess) -> None:
    """Assert that an expired agent is purged, so worker, beat and broker work."""
    agent_id = f"short-lived-{uuid.uuid4()}"
    registration = {"agent_id": agent_id, "host": "127.0.0.1", "port": 8000, "ttl_seconds": 1}
    plain_http.post(f"{registry.url}/agents/register", json=registration).raise_for_status()
    url = f"{registry.url}/agents/{agent_id}"
    wait_until(lambda: plain_http.get(url).status_code == httpx.codes.NOT_FOUND, "the purge")


def test_the_printed_addresses_answer(undisturbed: RegistryProcess) -> None:
    wait_until(lambda: "/admin/" in undisturbed.output, "the addresses")

    for path in ("agents", "docs", "admin/"):
        url = f"{undisturbed.url}/{path}"
        assert url in undisturbed.output
        assert plain_http.get(url, follow_redirects=True).status_code == httpx.codes.OK


def test_the_registry_sweeps_without_warnings_or_files_in_the_working_directory(
    undisturbed: RegistryProcess,
) -> None:
    assert_it_sweeps(undisturbed)

    assert list(undisturbed.log.parent.iterdir()) == [undisturbed.log]
    assert "warn" not in undisturbed.output.lower()
    assert "error" not in undisturbed.output.lower()


def test_the_registry_sweeps_with_redis_as_the_broker(
    tmp_path: Path, environment: dict[str, str], redis_url: str
) -> None:
    with started_registry(tmp_path, environment | {"CELERY_BROKER_URL": redis_url}) as registry:
        registry.wait_until_ready()
        assert_it_sweeps(registry)

        assert "warn" not in registry.output.lower()


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_registry_exits_with_0_and_leaves_no_process(
    registry: RegistryProcess, stop_signal: signal.Signals
) -> None:
    assert_it_sweeps(registry)  # beat prints a traceback if it is stopped during its imports
    started = descendants(registry.process.pid)
    assert len(started) >= 3

    registry.process.send_signal(stop_signal)

    assert registry.process.wait(timeout=30) == 0
    assert not [pid for pid in started if is_running(pid)]
    assert "Traceback" not in registry.output


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_a_killed_program_is_restarted_and_works_again(
    disturbed: RegistryProcess, name: str
) -> None:
    wait_until(lambda: set(disturbed.programs()) == {"web", "worker", "beat"}, "all programs")
    killed = disturbed.programs()[name]
    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: disturbed.programs().get(name, killed) != killed, f"{name} again")
    disturbed.wait_until_ready()
    assert_it_sweeps(disturbed)
    assert f"system | {name} was killed by SIGKILL; restarting in 1 s" in disturbed.output


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux can kill orphans (PR_SET_PDEATHSIG)"
)
def test_killing_the_supervisor_ends_its_programs(registry: RegistryProcess) -> None:
    started = descendants(registry.process.pid)

    registry.process.kill()

    wait_until(lambda: not any(is_running(pid) for pid in started), "the end of all programs")


def test_the_registry_can_stop_together_with_its_parent_process(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    starter = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    with started_registry(tmp_path, environment, ["--stop-with-parent"], starter) as registry:
        registry.wait_until_ready()
        started = descendants(registry.process.pid)
        assert len(started) > 3

        registry.process.kill()

        wait_until(lambda: not any(is_running(pid) for pid in started), "the end of all processes")
        assert "system | stopping" in registry.output


def test_a_taken_port_is_reported_and_nothing_is_started(
    undisturbed: RegistryProcess, environment: dict[str, str]
) -> None:
    second = subprocess.run(
        [*MANAGE, "start_registry", "--host=127.0.0.1", f"--port={undisturbed.port}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"Port {undisturbed.port} on 127.0.0.1 is in use by another program" in second.stderr
    assert "Traceback" not in second.stderr
    assert undisturbed.is_ready()


def test_prepare_creates_the_database_and_prints_a_new_login_once(tmp_path: Path) -> None:
    environment = environment_for(tmp_path)
    outputs = []
    for _ in range(2):
        with started_registry(tmp_path, environment, ["--prepare"]) as registry:
            registry.wait_until_ready()
            registry.process.terminate()
            assert registry.process.wait(timeout=30) == 0
            outputs.append(registry.output)

    assert re.search(r"\|  +password +\S+ +\|", outputs[0])
    assert outputs[0].index("password") < outputs[0].index("the registry is ready")
    assert "password" not in outputs[1].removeprefix(outputs[0])


def test_an_unreachable_database_is_reported(tmp_path: Path) -> None:
    url = f"postgres://nobody@127.0.0.1:{free_port()}/nothing"
    environment = environment_for(tmp_path, DATABASE_URL=url)

    with started_registry(tmp_path, environment, ["--prepare"]) as registry:
        assert registry.process.wait(timeout=30) == 1

    assert "The database does not answer: " in registry.output
    assert "Traceback" not in registry.output


def test_a_database_without_tables_is_reported_with_the_command_to_run(tmp_path: Path) -> None:
    environment = environment_for(tmp_path)

    with started_registry(tmp_path, environment) as registry:
        assert registry.process.wait(timeout=30) == 1

    assert "Run: python manage.py migrate" in registry.output
    assert "Traceback" not in registry.output
