"""Registry and AsyncRegistry against a registry of two web processes on PostgreSQL."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.client import Registry
from tests import plain_http
from tests.deploygen.client.either_registry import Async, Sync
from tests.integration.postgres_cluster import running_cluster
from tests.processes import wait_until
from tests.registry_project.server.registry_web import (
    RegistryWeb,
    prepared,
    registry_web,
    request,
)

Either = Sync | Async


@pytest.fixture(scope="module")
def web(postgres_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryWeb]:
    folder = tmp_path_factory.mktemp("client")
    with running_cluster(postgres_programs) as cluster:
        environment = prepared(folder, DATABASE_URL=cluster.url)
        with registry_web(folder, environment, workers=2) as web:
            yield web


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Either:
    client: Either = request.param
    return client


def deregister(web: RegistryWeb, agent: Any) -> None:
    token = f"Lease-Token: {agent['lease_token']}"
    assert web.exchange(request("DELETE", f"/agents/{agent['agent_id']}", token)).status == 200


def test_it_lists_gets_and_picks(web: RegistryWeb, either: Either) -> None:
    for number in range(3):
        metadata = {"region": "eu" if number else "us", "gpu": {"count": number}}
        web.register(f"found-{number}", tags=["found"], metadata=metadata, version=f"1.{number}")

    def ids(**filters: Any) -> list[str]:
        return [agent.agent_id for agent in either.call(web.url, "list", tag="found", **filters)]

    assert ids() == ["found-0", "found-1", "found-2"]
    assert ids(metadata={"region": "eu", "gpu.count": 2}) == ["found-2"]
    assert ids(version=">=1.1", search="found", sort="-agent_id") == [
        "found-2",
        "found-1",
    ]
    picked = either.call(web.url, "pick", tag="found", exclude=["found-0", "found-1"])
    assert picked.agent_id == "found-2"
    assert either.call(web.url, "pick", tag="nobody") is None
    assert either.call(web.url, "get", "found-1").metadata["gpu"] == {"count": 1}
    assert either.call(web.url, "get", "nobody") is None


def test_a_view_is_the_list_while_agents_come_and_go_and_web_processes_are_killed(
    web: RegistryWeb,
) -> None:
    with Registry(web.url) as registry:
        watch = registry.watch(tag="seen")
        thread = threading.Thread(target=watch.follow)
        thread.start()
        agents = {}
        for number in range(12):
            agents[number] = web.register(f"seen-{number}", tags=["seen"], ttl_seconds=120)
            if number % 4 == 3:
                deregister(web, agents[number - 1])
                web.register(f"seen-{number}", tags=["seen"], version="2")
            if number in {4, 8}:
                wait_until(lambda: watch.problem is None, "a connection")
                for pid in web.workers():
                    os.kill(pid, signal.SIGKILL)
                wait_until(web.is_alive, "a new process")
        web.register("seen-1")  # leaves the filter

        def generations() -> dict[str, int]:
            listed = plain_http.get(f"{web.url}/agents", params={"tag": "seen"}).json()
            return {agent["agent_id"]: agent["generation"] for agent in listed}

        def seen() -> dict[str, int]:
            return {name: agent.record["generation"] for name, agent in watch.agents.items()}

        wait_until(lambda: len(watch.agents) == 8 and seen() == generations(), "the same view")
        watch.close()
        thread.join(30)
        assert not thread.is_alive()


def test_an_agent_that_dies_is_deleted_with_the_reason(web: RegistryWeb, either: Either) -> None:
    web.register("mortal", tags=["mortal"], ttl_seconds=2)

    watched = either.watch(web.url, 2, tag="mortal")

    assert watched.kinds == [("ADDED", "mortal"), ("DELETED", "mortal")]
    assert watched.changes[1].reason == "expired"
    assert watched.agents == {}
