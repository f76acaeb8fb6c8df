"""Web processes write the events of leases that end, without a worker."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.integration.postgres_cluster import running_cluster
from tests.processes import wait_until
from tests.registry_project.server.registry_web import (
    RegistryWeb,
    heartbeat,
    prepared,
    registry_web,
)

KINDS = "SELECT kind FROM agents_agentevent WHERE agent_id = '{}' ORDER BY id"
Kinds = Callable[[str], list[str]]


@contextmanager
def on_sqlite(folder: Path) -> Iterator[tuple[RegistryWeb, Kinds]]:
    def kinds(agent_id: str) -> list[str]:
        with closing(sqlite3.connect(folder / "var" / "registry.sqlite3")) as database:
            return [kind for (kind,) in database.execute(KINDS.format(agent_id))]

    with registry_web(folder, prepared(folder)) as web:
        yield web, kinds


@contextmanager
def on_postgresql(folder: Path, programs: Path) -> Iterator[tuple[RegistryWeb, Kinds]]:
    with running_cluster(programs) as cluster:

        def kinds(agent_id: str) -> list[str]:
            with psycopg.connect(cluster.url) as database:
                return [kind for (kind,) in database.execute(KINDS.format(agent_id).encode())]

        environment = prepared(folder, DATABASE_URL=cluster.url)
        with registry_web(folder, environment, workers=2) as web:
            yield web, kinds


def live_die_and_return(web: RegistryWeb, kinds: Kinds, agent_id: str) -> None:
    token = web.register(agent_id, ttl_seconds=1)["lease_token"]
    wait_until(lambda: kinds(agent_id) == ["registered", "expired"], "its end")
    answer = web.exchange(heartbeat(agent_id, f"Lease-Token: {token}"))
    assert answer.status == 200
    wait_until(lambda: kinds(agent_id)[2:3] == ["recovered"], "its return")
    wait_until(lambda: kinds(agent_id)[3:] == ["expired"], "its next end")


def wait_for_end(agent_id: str, kinds: Kinds) -> None:
    wait_until(lambda: kinds(agent_id) == ["registered", "expired"], "its end")


def wait_for_other(killed: int, web: RegistryWeb) -> None:
    wait_until(lambda: len(set(web.workers()) - {killed}) == 2, "another process")


def test_on_sqlite_one_process_does(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as (web, kinds):
        live_die_and_return(web, kinds, "mortal")


def test_on_postgresql_one_of_two_does_and_another_when_that_is_killed(
    tmp_path: Path, postgres_programs: Path
) -> None:
    with on_postgresql(tmp_path, postgres_programs) as (web, kinds):
        live_die_and_return(web, kinds, "mortal-1")
        for place in range(2):
            web.register(f"orphan-{place}", ttl_seconds=2)
            killed = web.workers()[0]
            os.kill(killed, signal.SIGKILL)
            wait_for_end(f"orphan-{place}", kinds)
            wait_for_other(killed, web)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_neither_repeats_nor_skips_events(tmp_path: Path, stop: signal.Signals) -> None:
    with on_sqlite(tmp_path) as (web, kinds):
        web.register("before", ttl_seconds=1)
        wait_until(lambda: kinds("before") == ["registered", "expired"], "its end")
        web.register("during", ttl_seconds=1)
        for pid in web.workers():
            os.kill(pid, stop)
        wait_until(web.is_alive, "a new process")

        wait_until(lambda: kinds("during") == ["registered", "expired"], "its end")
        assert kinds("before") == ["registered", "expired"]
