"""A registry on SQLite is backed up while it runs, and restored: see docs/operations.md.

On PostgreSQL this is one of the faults of tests/faults.
"""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.integration.agent_process import running_fleet
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    free_port,
    migrate,
    started_registry,
)
from tests.processes import wait_until

pytestmark = pytest.mark.integration

AGENTS = 8
DATABASE = "registry.sqlite3"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    environment = environment_for(tmp_path, TERM="dumb", REGISTRY_AUTH="open")
    migrate(environment)
    return environment


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a registry that a fleet keeps calling, whether or not it runs."""
    port = free_port()
    fleet = running_fleet(
        f"http://127.0.0.1:{port}",
        tmp_path / "fleet.log",
        "fleet-",
        agents=AGENTS,
        ttl=60,
        interval=1,
    )
    with fleet:
        yield port


def back_up(database: Path, copy: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def restore(copy: Path, database: Path) -> None:
    for old in database.parent.glob(f"{database.name}*"):  # the WAL, too
        old.unlink()
    shutil.copy(copy, database)


def stop(registry: RegistryProcess) -> None:
    registry.process.terminate()
    assert registry.process.wait(timeout=30) == 0


def wait_for_the_fleet(registry: RegistryProcess) -> None:
    ids = {f"fleet-{number}" for number in range(AGENTS)}
    wait_until(lambda: registry.is_ready() and ids <= registry.listed().keys(), "the whole fleet")


def register(registry: RegistryProcess, agent_id: str) -> str:
    body = {"agent_id": agent_id, "host": "127.0.0.1", "port": 8000}
    answer = plain_http.post(f"{registry.url}/agents/register", json=body)
    return str(answer.raise_for_status().json()["lease_token"])


def heartbeat(registry: RegistryProcess, agent_id: str, token: str) -> int:
    url = f"{registry.url}/agents/{agent_id}/heartbeat"
    return plain_http.post(url, headers={"Lease-Token": token}).status_code


def test_after_a_restore_the_fleet_returns_and_no_id_has_two_holders(
    tmp_path: Path, environment: dict[str, str], port: int
) -> None:
    database, copy = tmp_path / "var" / DATABASE, tmp_path / "copy.sqlite3"
    with started_registry(tmp_path, environment, port=port) as registry:
        wait_for_the_fleet(registry)
        back_up(database, copy)
        lost = register(registry, "late")
        stop(registry)
    restore(copy, database)
    subprocess.run([*MANAGE, "after_restore"], env=environment, check=True, capture_output=True)

    with started_registry(tmp_path, environment, port=port) as registry:
        wait_for_the_fleet(registry)
        assert heartbeat(registry, "late", lost) == httpx.codes.NOT_FOUND
        successor = register(registry, "late")

        assert heartbeat(registry, "late", successor) == httpx.codes.OK
        assert heartbeat(registry, "late", lost) == httpx.codes.CONFLICT
