"""Several web processes report common metrics to Prometheus."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain_http
from tests.integration.registry_process import (
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import descendants, wait_until

pytestmark = pytest.mark.integration

HEARTBEATS = 30


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    environment = environment_for(tmp_path, TERM="dumb", REGISTRY_AUTH="open")
    with ready_registry(tmp_path, environment, ["--workers=2"]) as registry:
        wait_until(lambda: len(workers(registry)) == 2, "both web processes")
        yield registry


def workers(registry: RegistryProcess) -> set[int]:
    return set(descendants(registry.programs()["web"]))


def heartbeats(registry: RegistryProcess) -> float:
    answer = plain_http.get(f"{registry.url}/metrics").raise_for_status()
    (line,) = [
        row for row in answer.text.splitlines() if row.startswith("agent_registry_heartbeats_total")
    ]
    return float(line.split()[1])


def test_every_process_reports_the_counts_of_all_even_of_killed_ones(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    agent = {"agent_id": "a", "host": "h", "port": 80, "ttl_seconds": 3600}
    plain_http.post(f"{registry.url}/agents/register", json=agent).raise_for_status()
    for _ in range(HEARTBEATS):  # new connections, so both processes get some
        plain_http.post(f"{registry.url}/agents/a/heartbeat").raise_for_status()

    assert {heartbeats(registry) for _ in range(10)} == {HEARTBEATS}
    counted = {path.name for path in tmp_path.glob("var/registry-metrics-*/counter_*.db")}
    assert counted == {f"counter_{pid}.db" for pid in workers(registry)}

    before = workers(registry)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(workers(registry) - before) == 2, "two others")
    registry.wait_until_ready()
    assert {heartbeats(registry) for _ in range(10)} == {HEARTBEATS}
