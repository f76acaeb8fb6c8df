"""Heartbeats on PostgreSQL: two processes at once, and a database that dies or freezes."""

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
    """Two processes."""
    folder = tmp_path_factory.mktemp("postgresql")
    environment = prepared(folder, DATABASE_URL=cluster.url, DATABASE_TIMEOUT_SECONDS="2")
    with registry_web(folder, environment, workers=2) as web:
        for number in range(8):
            web.register(f"pg-{number}", ttl_seconds=3_600)
        yield web


class Beating:
    """Agents that send heartbeats all the time, each from several threads.

    `acknowledged` has the time of the last heartbeat that was answered with 200, for each agent.
    """

    def __init__(self, web: RegistryWeb) -> None:
        self.statuses: Counter[int] = Counter()
        self.acknowledged: dict[str, datetime] = {}
        self.without_retry: list[Answer] = []
        self._web = web
        self._lock = threading.Lock()
        self._enough = threading.Event()

    @contextmanager
    def going_on(self, threads: int = 16) -> Iterator[None]:
        all_of_them = [
            threading.Thread(target=self._beat, args=[f"pg-{number % 8}"])
            for number in range(threads)
        ]
        for thread in all_of_them:
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            for thread in all_of_them:
                thread.join()

    def wait_for(self, status: int, more: int = 50) -> None:
        """Wait until so many more answers have had the status."""
        wanted = self.statuses[status] + more
        wait_until(lambda: self.statuses[status] >= wanted, f"answers with {status}", seconds=60)

    def _beat(self, agent_id: str) -> None:
        client: RawClient | None = None
        while not self._enough.is_set():
            client = client or self._web.connect()
            try:
                answer = client.exchange(heartbeat(agent_id))
            except (OSError, EOFError):
                # A connection that was idle may end at any time; an answer is none.
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


def test_two_processes_renew_the_same_agents(on_postgresql: RegistryWeb) -> None:
    beating = Beating(on_postgresql)
    with beating.going_on():
        beating.wait_for(200, 1_000)

    assert set(beating.statuses) == {200}
    assert stored(on_postgresql) == beating.acknowledged


def stored(web: RegistryWeb) -> dict[str, datetime]:
    agents = [web.agent(f"pg-{number}") for number in range(8)]
    return {agent["agent_id"]: datetime.fromisoformat(agent["last_heartbeat"]) for agent in agents}


def assert_nothing_was_lost(beating: Beating, web: RegistryWeb) -> None:
    """All got 200, or 503 with Retry-After, and what was acknowledged is in the database."""
    assert set(beating.statuses) == {200, 503}
    assert beating.without_retry == []
    kept = stored(web)
    assert {pk for pk, at in beating.acknowledged.items() if kept[pk] < at} == set()


def test_a_killed_database_loses_nothing_that_was_acknowledged(
    on_postgresql: RegistryWeb, cluster: PostgresCluster
) -> None:
    before = on_postgresql.workers()
    beating = Beating(on_postgresql)
    with beating.going_on():
        beating.wait_for(200)
        cluster.kill()
        beating.wait_for(503)
        assert on_postgresql.exchange(LIVE).status == 200
        cluster.start()
        beating.wait_for(200)

    assert_nothing_was_lost(beating, on_postgresql)
    assert on_postgresql.workers() == before


def test_a_frozen_database_is_503_in_time(
    on_postgresql: RegistryWeb, cluster: PostgresCluster
) -> None:
    beating = Beating(on_postgresql)
    with beating.going_on():
        beating.wait_for(200)
        cluster.freeze()
        try:
            beating.wait_for(503)
            for _ in range(5):
                assert on_postgresql.exchange(LIVE).status == 200
        finally:
            cluster.thaw()
        beating.wait_for(200)

    assert_nothing_was_lost(beating, on_postgresql)
