"""A registry on PostgreSQL loses nothing and recovers when a part of it is killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.integration.acknowledgements import Acknowledgements
from tests.integration.agent_process import running_fleet
from tests.integration.postgres_cluster import PostgresCluster, running_cluster
from tests.integration.registry_process import (
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import wait_until

pytestmark = pytest.mark.integration

AGENTS = 50
# Frequent heartbeats show a recovery soon; leases outlast every fault.
INTERVAL_SECONDS = 2
TTL_SECONDS = 30


@dataclass(frozen=True)
class System:
    """A registry and its database."""

    registry: RegistryProcess
    cluster: PostgresCluster

    def agents(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the listed agents whose ids begin with `prefix`."""
        listed = self.registry.listed()
        return {key: agent for key, agent in listed.items() if key.startswith(prefix)}

    def has_swept_since(self, moment: float) -> bool:
        answer = plain_http.get(f"{self.registry.url}/health/ready").raise_for_status()
        return timestamp(answer.json()["last_purge"]) > moment

    def kill_program(self, name: str) -> None:
        """Kill one of its programs; return when it has been restarted."""
        killed = self.registry.programs()[name]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.registry.programs().get(name, killed) != killed, f"{name} again")

    def kill_database(self) -> None:
        self.cluster.kill()
        self.cluster.start()


@pytest.fixture(scope="module")
def system(postgres_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("registry")
    with running_cluster(postgres_programs) as cluster:
        environment = environment_for(
            folder, DATABASE_URL=cluster.url, SWEEP_INTERVAL_SECONDS="1", TERM="dumb"
        )
        with ready_registry(folder, environment) as registry:
            wait_until(lambda: len(registry.programs()) == 3, "web, worker and beat")
            yield System(registry, cluster)


@pytest.fixture(scope="module")
def fleet_log(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a fleet against the registry; yield the log of its clients."""
    log = tmp_path_factory.mktemp("fleet") / "log"
    lease: dict[str, Any] = {"ttl": TTL_SECONDS, "interval": INTERVAL_SECONDS}
    with running_fleet(system.registry.url, log, "fleet-", agents=AGENTS, **lease):
        wait_until(lambda: len(system.agents("fleet-")) == AGENTS, "all agents in the listing")
        yield log


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(lambda system: system.kill_program("web"), id="web"),
        pytest.param(lambda system: system.kill_program("worker"), id="worker"),
        pytest.param(lambda system: system.kill_program("beat"), id="beat"),
        pytest.param(System.kill_database, id="database"),
    ],
)
def test_after_a_kill_all_leases_go_on_and_no_acknowledged_write_is_lost(
    system: System, fleet_log: Path, kill: Callable[[System], None]
) -> None:
    before = system.agents("fleet-")
    acknowledged = Acknowledgements(system.registry.url)
    with acknowledged.calling():
        wait_until(lambda: len(acknowledged.registered) >= 5, "registrations before the kill")
        kill(system)
        system.registry.wait_until_ready()
        back_at, registered_before = time.time(), len(acknowledged.registered)
        wait_until(
            lambda: len(acknowledged.registered) >= registered_before + 5, "registrations after it"
        )

    wait_until(lambda: beats_after(system, back_at) == before.keys(), "heartbeats of all agents")
    wait_until(lambda: system.has_swept_since(back_at), "a sweep")
    after = system.agents("fleet-")
    # The leases are the same: no agent lost its own or registered again.
    assert generations(after) == generations(before)
    assert "lease is lost" not in fleet_log.read_text()
    listed = system.agents("acknowledged-").keys()
    assert acknowledged.registered <= listed
    assert not acknowledged.deregistered & listed
    assert acknowledged.deregistered
    assert set(acknowledged.statuses) <= {200, 201, 503}


def beats_after(system: System, moment: float) -> set[str]:
    return {
        agent_id
        for agent_id, agent in system.agents("fleet-").items()
        if timestamp(agent["last_heartbeat"]) > moment
    }


def timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def generations(agents: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {agent_id: agent["generation"] for agent_id, agent in agents.items()}


def test_agents_return_after_an_outage_longer_than_their_leases(
    system: System, tmp_path: Path
) -> None:
    brief: dict[str, Any] = {"agents": 10, "ttl": 2, "interval": 0.5}
    with running_fleet(system.registry.url, tmp_path / "log", "brief-", **brief):
        wait_until(lambda: len(system.agents("brief-")) == 10, "all agents in the listing")
        system.cluster.kill()
        killed_at = time.monotonic()
        wait_until(lambda: time.monotonic() - killed_at > 2.5, "the end of all leases")
        system.cluster.start()

        wait_until(lambda: len(system.agents("brief-")) == 10, "all agents again")


@pytest.fixture
def known_agent(system: System) -> str:
    registration = {"agent_id": "known", "host": "127.0.0.1", "port": 8000, "ttl_seconds": 3600}
    url = f"{system.registry.url}/agents/register"
    plain_http.post(url, json=registration).raise_for_status()
    return "known"


def test_without_its_database_the_registry_answers_503_and_recovers(
    system: System, known_agent: str
) -> None:
    heartbeat = ("POST", f"/agents/{known_agent}/heartbeat")
    calls = [
        ("POST", "/agents/register"),
        heartbeat,
        ("POST", "/agents/unknown/heartbeat"),
        ("GET", "/agents"),
        ("GET", f"/agents/{known_agent}"),
        ("DELETE", f"/agents/{known_agent}"),
        ("DELETE", "/agents/unknown"),
        ("GET", "/health"),
        ("GET", "/health/ready"),
    ]
    registration = {"agent_id": "another", "host": "127.0.0.1", "port": 8000}
    with httpx.Client(base_url=system.registry.url, timeout=30) as http:
        system.cluster.kill()
        for method, path in calls:
            body = registration if path.endswith("register") else None
            answer = http.request(method, path, json=body)
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, (method, path)
            assert int(answer.headers["Retry-After"]) > 0, (method, path)
        assert http.get("/health/live").status_code == httpx.codes.OK

        system.cluster.start()
        wait_until(lambda: http.get("/health/ready").status_code == httpx.codes.OK, "readiness")
        assert http.request(*heartbeat).status_code == httpx.codes.OK
