"""A call that got 503 while PostgreSQL was frozen has no effect after it thaws."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.integration.freezing_proxy import FreezingProxy
from tests.integration.postgres_cluster import PostgresCluster, running_cluster
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TIMEOUT_SECONDS = 1
AGENT = {"host": "127.0.0.1", "port": 80, "ttl_seconds": 600}
USER = {"username": "grace", "password": "correct horse battery"}


@dataclass
class System:
    registry: RegistryProcess
    cluster: PostgresCluster
    proxy: FreezingProxy
    http: httpx.Client
    operator: httpx.Client

    def register(self, agent_id: str, **more: Any) -> httpx.Response:
        return self.http.post("/agents/register", json=AGENT | {"agent_id": agent_id} | more)

    def heartbeat(self, agent_id: str, path: str = "") -> httpx.Response:
        return self.http.post(f"/agents/{agent_id}/heartbeat{path}", json={})

    def bulk_heartbeat(self, agent_id: str, path: str = "") -> httpx.Response:
        return self.http.post(f"/agents/heartbeat{path}", json={"agents": [{"agent_id": agent_id}]})

    def deregister(self, agent_id: str) -> httpx.Response:
        return self.http.delete(f"/agents/{agent_id}")

    def operate(self, action: str, agent_id: str) -> httpx.Response:
        form = {
            "csrfmiddlewaretoken": self.operator.cookies["csrftoken"],
            "action": action,
            "_selected_action": agent_id,
            "confirmed": "1",
            "reason": "",
        }
        return self.operator.post("/admin/agents/agentrecord/", data=form)

    def expire(self, agent_id: str) -> None:
        self.rows(
            "UPDATE agents_agentrecord SET last_heartbeat = last_heartbeat - INTERVAL '1 day'"
            " WHERE agent_id = %s RETURNING 1",
            agent_id,
        )
        recorded = (
            "SELECT 1 FROM agents_agentrecord WHERE agent_id = %s AND recorded_expiry IS NOT NULL"
        )
        wait_until(lambda: self.rows(recorded, agent_id), "the event of the expiry")

    def state(self, agent_id: str) -> list[Any]:
        """Return an agent's row and events in the database."""
        return [
            *self.rows("SELECT * FROM agents_agentrecord WHERE agent_id = %s", agent_id),
            *self.rows("SELECT * FROM agents_agentevent WHERE agent_id = %s ORDER BY id", agent_id),
        ]

    def rows(self, sql: str, *parameters: str) -> list[Any]:
        with psycopg.connect(self.cluster.url) as connection:
            return connection.execute(sql, parameters).fetchall()


@pytest.fixture(scope="module")
def system(postgres_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("registry")
    with running_cluster(postgres_programs) as cluster, closing(FreezingProxy(cluster)) as proxy:
        environment = environment_for(
            folder,
            DATABASE_URL=proxy.url,
            DATABASE_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            SWEEP_INTERVAL_SECONDS="3600",
            TERM="dumb",
        )
        with (
            ready_registry(folder, environment, ["--workers=1"]) as registry,
            httpx.Client(base_url=registry.url, timeout=30) as http,
            httpx.Client(base_url=registry.url, timeout=30) as operator,
        ):
            log_in(operator, environment)
            yield System(registry, cluster, proxy, http, operator)


def log_in(operator: httpx.Client, environment: dict[str, str]) -> None:
    subprocess.run(
        [*MANAGE, "createsuperuser", "--noinput", "--email=grace@example.org"],
        env=environment
        | {f"DJANGO_SUPERUSER_{name.upper()}": value for name, value in USER.items()},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    form = operator.get("/admin/login/").text
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
    answer = operator.post("/admin/login/", data=USER | {"csrfmiddlewaretoken": token})
    assert answer.status_code == httpx.codes.FOUND


Call = Callable[[System, str], httpx.Response]


@dataclass(frozen=True)
class Case:
    """`write` is a part of the statement at whose commit the database is frozen."""

    name: str
    call: Call
    write: bytes
    is_registered: bool = True
    is_expired: bool = False


def operation(action: str) -> Call:
    return lambda system, agent_id: system.operate(action, agent_id)


AGENT_ID = b"agent-"
# Of this table: the worker deletes rows of others meanwhile.
DELETE = b'DELETE FROM "agents_agentrecord"'
UPDATE = b'UPDATE "agents_agentrecord"'
CASES = [
    Case("heartbeat", System.heartbeat, AGENT_ID),
    # A query string makes the fast path leave a request to Django.
    Case("heartbeat-by-django", lambda s, a: s.heartbeat(a, "?by=django"), AGENT_ID),
    Case("heartbeat-of-an-expired-agent", System.heartbeat, AGENT_ID, is_expired=True),
    Case("bulk", System.bulk_heartbeat, AGENT_ID),
    Case("bulk-by-django", lambda s, a: s.bulk_heartbeat(a, "?by=django"), AGENT_ID),
    Case("registration", System.register, AGENT_ID, is_registered=False),
    Case("registration-again", System.register, AGENT_ID),
    Case("deregistration", System.deregister, DELETE),
    Case("drain", operation("drain"), UPDATE),
    Case("extend", operation("extend"), UPDATE),
    Case("purge", operation("purge"), DELETE, is_expired=True),
    Case("deregister-by-operator", operation("deregister"), DELETE),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_an_abandoned_call_has_no_effect_and_can_be_repeated(system: System, case: Case) -> None:
    system.registry.wait_until_ready()
    agent_id = f"agent-{case.name}"
    if case.is_registered:
        wait_until(lambda: system.register(agent_id).is_success, "the registration")
    if case.is_expired:
        system.expire(agent_id)
    before = system.state(agent_id)

    with system.proxy.freezing_at(case.write) as freeze:
        answer = case.call(system, agent_id)
        assert freeze.happened.is_set()
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(answer.headers["Retry-After"])

    assert system.state(agent_id) == before
    wait_until(lambda: case.call(system, agent_id).status_code < 400, "the call, repeated")
    assert system.state(agent_id) != before
