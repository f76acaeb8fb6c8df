"""Agents keep their records if a network outage or the registry itself made them silent."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests import plain_http
from tests.integration.agent_process import running_fleet
from tests.integration.postgres_cluster import PostgresCluster, running_cluster
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import descendants, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

AGENTS = 12
# Longer than any delay on a busy machine, and than any retry pause of an agent.
TTL_SECONDS = 9
PATIENCE_SECONDS = 90
PASSWORD = "correct horse battery"
# Longer than the TTL, and than the gap from which the registry infers that it was down.
OUTAGE_SECONDS = 13


def until(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, what, PATIENCE_SECONDS)


@dataclass(frozen=True)
class System:
    registry: RegistryProcess
    cluster: PostgresCluster
    environment: dict[str, str]

    def rows(self, sql: str) -> list[Any]:
        """Query the database directly, which works without the web, too."""
        with psycopg.connect(self.cluster.url) as connection:
            return connection.execute(sql).fetchall()

    def renew_all(self) -> None:
        """Renew all leases, without the web."""
        with psycopg.connect(self.cluster.url) as connection:
            connection.execute("UPDATE agents_agentrecord SET last_heartbeat = clock_timestamp()")

    def generations(self) -> dict[str, int]:
        """Return the generations of all records, alive and expired."""
        return dict(self.rows("SELECT agent_id, generation FROM agents_agentrecord"))

    def events(self, *kinds: str) -> list[tuple[str, str, str, datetime]]:
        rows = self.rows("SELECT agent_id, kind, reason, at FROM agents_agentevent ORDER BY id")
        return [row for row in rows if row[1] in kinds]

    def sweeps(self) -> datetime:
        """Return the time of the last sweep."""
        ((at,),) = self.rows("SELECT at FROM agents_sweepmark")
        assert isinstance(at, datetime)
        return at

    def wait_for_sweeps(self, number: int) -> None:
        for _ in range(number):
            before = self.sweeps()
            until(lambda: self.sweeps() > before, "a sweep")  # noqa: B023 - used at once

    def held(self) -> int:
        answer = plain_http.get(f"{self.registry.url}/health/ready").raise_for_status()
        return int(answer.json()["purge_held"])

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [*MANAGE, *arguments], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    @contextmanager
    def without_web(self) -> Iterator[None]:
        """Kill the web, and prevent its restart while the body runs."""
        supervisor, web = self.registry.process, self.registry.programs()["web"]
        supervisor.send_signal(signal.SIGSTOP)
        try:
            for pid in [web, *descendants(web)]:
                os.kill(pid, signal.SIGKILL)
            yield
        finally:
            supervisor.send_signal(signal.SIGCONT)


@pytest.fixture
def system(postgres_programs: Path, tmp_path: Path) -> Iterator[System]:
    with running_cluster(postgres_programs) as cluster:
        environment = environment_for(
            tmp_path,
            DATABASE_URL=cluster.url,
            SWEEP_INTERVAL_SECONDS="1",
            TERM="dumb",
            REGISTRY_AUTH="open",
        )
        with ready_registry(tmp_path, environment) as registry:
            until(lambda: len(registry.programs()) == 3, "web, worker and beat")
            yield System(registry, cluster, environment)


@pytest.fixture
def fleet(system: System, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a fleet in one process."""
    lease: dict[str, Any] = {"ttl": TTL_SECONDS, "interval": 1}
    url, log = system.registry.url, tmp_path / "fleet.log"
    with running_fleet(url, log, "fleet-", agents=AGENTS, **lease) as process:
        until(lambda: len(system.registry.listed()) == AGENTS, "all agents in the listing")
        yield process
        process.send_signal(signal.SIGCONT)


def test_a_fleet_that_falls_silent_at_once_is_neither_listed_nor_purged(
    system: System, fleet: subprocess.Popen[bytes]
) -> None:
    registry, before = system.registry, system.generations()

    fleet.send_signal(signal.SIGSTOP)  # looks like a network outage to the registry

    until(lambda: not registry.listed(), "an empty listing")
    until(lambda: system.held() == AGENTS, "the hold")
    system.wait_for_sweeps(3)
    assert system.generations() == before
    ((agent_id, kind, reason, _at),) = system.events("purge-held")
    assert (agent_id, kind) == ("", "purge-held")
    assert reason.startswith(f"{AGENTS} of {AGENTS} agents are silent; ")
    assert f"{AGENTS} of {AGENTS} agents fell silent at once" in front_page(system)
    assert (
        f"agent_registry_held_agents {AGENTS}.0" in plain_http.get(f"{registry.url}/metrics").text
    )
    assert "purging is held: " in registry.output

    fleet.send_signal(signal.SIGCONT)

    until(lambda: len(registry.listed()) == AGENTS, "all agents in the listing again")
    until(lambda: system.held() == 0, "the end of the hold")
    assert system.generations() == before
    assert [kind for _, kind, _, _ in system.events("purge-held", "purge-resumed", "purged")] == [
        "purge-held",
        "purge-resumed",
    ]
    assert "Purging is held" not in front_page(system)


def test_force_purges_a_fleet_that_fell_silent(
    system: System, fleet: subprocess.Popen[bytes]
) -> None:
    fleet.send_signal(signal.SIGSTOP)
    until(lambda: system.held() == AGENTS, "the hold")
    assert f"{AGENTS} held until " in system.manage("purge_expired")
    assert len(system.generations()) == AGENTS

    assert system.manage("purge_expired", "--force") == f"{AGENTS} purged\n"

    assert not system.generations()
    assert len(system.events("purge-forced")) == 1


@pytest.mark.usefixtures("fleet")
def test_no_agent_is_purged_until_one_ttl_after_the_web_is_back(
    system: System,
) -> None:
    dead = [f"dead-{number}" for number in range(5)]
    for agent_id in dead:
        details = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": TTL_SECONDS}
        plain_http.post(f"{system.registry.url}/agents/register", json=details).raise_for_status()
    before = system.generations()

    with system.without_web():
        killed_at = time.monotonic()
        # Their leases end in the outage, however long it took to get here.
        system.renew_all()
        until(lambda: time.monotonic() - killed_at > OUTAGE_SECONDS, "the end of all leases")
        system.wait_for_sweeps(2)
        assert system.generations() == before
        assert "no web process has run since" in system.manage("purge_expired")

    system.registry.wait_until_ready()
    living = {agent_id for agent_id in before if agent_id not in dead}
    until(lambda: system.generations().keys() == living, "the purge of the dead")
    assert system.generations() == {agent_id: before[agent_id] for agent_id in living}
    assert not system.events("re-registered")
    ((up_since,),) = system.rows("SELECT up_since FROM agents_uptime")
    purged = system.events("purged")
    assert sorted(agent_id for agent_id, *_ in purged) == dead
    assert min(at for *_, at in purged) >= up_since + timedelta(seconds=TTL_SECONDS)


def front_page(system: System) -> str:
    """Return the text of the admin's front page."""
    environment = system.environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(
        [*MANAGE, "createsuperuser", "--noinput", "--username=grace", "--email=grace@example.org"],
        env=environment,
        capture_output=True,
        check=False,  # fails if the user exists
    )
    with httpx.Client(base_url=system.registry.url, timeout=30, follow_redirects=True) as http:
        form = http.get("/admin/login/").text
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
        form_data = {"username": "grace", "password": PASSWORD, "csrfmiddlewaretoken": token}
        page = http.post("/admin/login/?next=/admin/", data=form_data).raise_for_status().text
    assert "Log out" in page
    return " ".join(page.split())
