"""Heartbeats on PostgreSQL: two web processes, and a database that dies or freezes."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.postgres_cluster import PostgresCluster, running_cluster
from tests.processes import wait_until
from tests.registry_project.server.registry_web import (
    LIVE,
    Answer,
    RawClient,
    RegistryWeb,
    heartbeat,
    last_heartbeat_of,
    prepared,
    registry_web,
)


@pytest.fixture(scope="module")
def cluster(postgres_programs: Path) -> Iterator[PostgresCluster]:
    with running_cluster(postgres_programs) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def on_postgresql(
    cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryWeb]:
    """A registry of two web processes."""
    folder = tmp_path_factory.mktemp("postgresql")
    environment = prepared(folder, DATABASE_URL=cluster.url, DATABASE_TIMEOUT_SECONDS="2")
    with registry_web(folder, environment, workers=2) as web:
        for number in range(8):
            web.register(f"pg-{number}", ttl_seconds=3_600)
        yield web


class HeartbeatLoad:
    """Agents that send heartbeats without pause, each from several threads.

    `acknowledged` maps each agent to the time of its last heartbeat that got 200.
    """

    def __init__(self, web: RegistryWeb) -> None:
        self.statuses: Counter[int] = Counter()
        self.acknowledged: dict[str, datetime] = {}
        self.without_retry: list[Answer] = []
        self._web = web
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def running(self, threads: int = 16) -> Iterator[None]:
        running_threads = [
            threading.Thread(target=self._beat, args=[f"pg-{number % 8}"])
            for number in range(threads)
        ]
        for thread in running_threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in running_threads:
                thread.join()

    def wait_for(self, status: int, more: int = 50) -> None:
        """Wait until `more` further answers have had the status."""
        wanted = self.statuses[status] + more
        wait_until(lambda: self.statuses[status] >= wanted, f"answers with {status}", seconds=60)

    def _beat(self, agent_id: str) -> None:
        client: RawClient | None = None
        while not self._stopped.is_set():
            client = client or self._web.connect()
            try:
                answer = client.exchange(heartbeat(agent_id))
            except (OSError, EOFError):
                # The server may close an idle connection at any time; that counts as no answer.
                client = None
                continue
            with self._lock:
                self.statuses[answer.status] += 1
                if answer.status == 200:
                    latest = self.acknowledged.get(agent_id, EARLIEST)
                    self.acknowledged[agent_id] = max(last_heartbeat_of(answer), latest)
                elif "retry-after" not in answer.headers:
                    self.without_retry.append(answer)
            if answer.is_last:
                client.socket.close()
                client = None
        if client is not None:
            client.socket.close()


EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00Z")


def test_two_processes_renew_the_same_agents_without_errors(on_postgresql: RegistryWeb) -> None:
    load = HeartbeatLoad(on_postgresql)
    with load.running():
        load.wait_for(200, 1_000)

    assert set(load.statuses) == {200}
    assert stored(on_postgresql) == load.acknowledged


def stored(web: RegistryWeb) -> dict[str, datetime]:
    agents = [web.agent(f"pg-{number}") for number in range(8)]
    return {agent["agent_id"]: datetime.fromisoformat(agent["last_heartbeat"]) for agent in agents}


def assert_nothing_was_lost(load: HeartbeatLoad, web: RegistryWeb) -> None:
    """Assert that all got 200, or 503 with Retry-After, and acknowledged heartbeats are stored."""
    assert set(load.statuses) == {200, 503}
    assert load.without_retry == []
    kept = stored(web)
    assert {pk for pk, at in load.acknowledged.items() if kept[pk] < at} == set()


def test_killing_the_database_loses_no_acknowledged_heartbeat(
    on_postgresql: RegistryWeb, cluster: PostgresCluster
) -> None:
    before = on_postgresql.workers()
    load = HeartbeatLoad(on_postgresql)
    with load.running():
        load.wait_for(200)
        cluster.kill()
        load.wait_for(503)
        assert on_postgresql.exchange(LIVE).status == 200
        cluster.start()
        load.wait_for(200)

    assert_nothing_was_lost(load, on_postgresql)
    assert on_postgresql.workers() == before


def test_heartbeats_get_503_in_time_while_the_database_is_frozen(
    on_postgresql: RegistryWeb, cluster: PostgresCluster
) -> None:
    load = HeartbeatLoad(on_postgresql)
    with load.running():
        load.wait_for(200)
        cluster.freeze()
        try:
            load.wait_for(503)
            for _ in range(5):
                assert on_postgresql.exchange(LIVE).status == 200
        finally:
            cluster.thaw()
        load.wait_for(200)

    assert_nothing_was_lost(load, on_postgresql)
