"""An agent's container and a registry: starting, running, stopping and dying."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.docker import agents, engine
from tests.docker.agents import AgentContainer
from tests.docker.engine import docker
from tests.integration.agent_process import NEEDS_TOKEN
from tests.integration.registry_process import (
    RegistryProcess,
    environment_for,
    free_port,
    ready_registry,
)
from tests.processes import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("docker"),
]

REGISTERED_SECONDS = 5.0
SHORT_LEASE = {"AGENT_TTL_SECONDS": "3", "AGENT_HEARTBEAT_SECONDS": "0.5"}
# Leases that do not end while a test runs, so that no agent can expire.
LONG_LEASE = {"AGENT_TTL_SECONDS": "600", "AGENT_HEARTBEAT_SECONDS": "0.5"}
BLOCKED_TTL = 2
BLOCKED_TTLS = 3
BLOCKING = """\
import time
from typing import Any


async def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    time.sleep(inputs["seconds"])
    return {}
"""


def wait_until_listed(registry: RegistryProcess, agent: AgentContainer) -> int:
    """Wait until the agent is listed; return the generation of its lease."""

    def is_listed() -> bool:
        assert agent.container.state()["Running"], agent.container.logs()
        return agent.agent_id in registry.listed()

    wait_until(is_listed, "the agent in the listing")
    generation: int = registry.listed()[agent.agent_id]["generation"]
    return generation


@pytest.mark.alone
def test_a_hardened_container_registers_in_time_becomes_healthy_and_works(
    registry: RegistryProcess, echo: str
) -> None:
    begin = time.monotonic()
    with agents.running_agent(echo, registry_url=registry.url, environment=SHORT_LEASE) as agent:
        wait_until_listed(registry, agent)
        assert time.monotonic() - begin <= REGISTERED_SECONDS
        record = registry.listed()[agent.agent_id]
        agent.container.wait_until_healthy()
        wait_until(agent.is_ready, "readiness")
        assert agent.run(text="a").json() == {"echo": "a"}
        refused = agent.run(text="a", times="2")

    expected = ("echo", "127.0.0.1", agent.port, 3)
    assert tuple(record[key] for key in ("agent_name", "host", "port", "ttl_seconds")) == expected
    assert (record["version"], record["skills"]) == ("0.1.0", ["echo"])
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_killed_container_is_listed_until_its_lease_ends_and_then_purged(
    registry: RegistryProcess, echo: str
) -> None:
    with agents.running_agent(echo, registry_url=registry.url, environment=SHORT_LEASE) as agent:
        wait_until_listed(registry, agent)
        agent.container.kill()
        ends_at = 0.0
        # The listing was made after `sent`, so an expired agent must not be in it.
        while (sent := time.time()) and (entry := registry.listed().get(agent.agent_id)):
            ends_at = datetime.fromisoformat(entry["expires_at"]).timestamp()
            assert sent < ends_at, "listed after the end of its lease"
    assert 0.0 < ends_at <= time.time(), "gone before the end of its lease"
    wait_until(lambda: registry.agent(agent.agent_id) is None, "the purge")


def test_a_stopped_container_deregisters_at_once(registry: RegistryProcess, echo: str) -> None:
    with agents.running_agent(echo, registry_url=registry.url, environment=LONG_LEASE) as agent:
        wait_until_listed(registry, agent)
        seconds = agent.container.stop()

        assert registry.agent(agent.agent_id) is None
        assert agent.container.state()["ExitCode"] == 0
        assert seconds < 5, "it did not stop by itself and was killed"


def test_an_agent_works_without_its_registry_and_registers_when_it_returns(
    tmp_path: Path, echo: str
) -> None:
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with agents.running_agent(echo, registry_url=url, environment=LONG_LEASE) as agent:
        wait_until(agent.is_ready, "readiness without a registry")
        with registry_at(port, first) as registry:
            wait_until_listed(registry, agent)
        assert agent.run(text="a").json() == {"echo": "a"}
        assert agent.is_ready()
        # A registry that has lost its data.
        with registry_at(port, second) as registry:
            wait_until_listed(registry, agent)


def registry_at(port: int, folder: Path) -> AbstractContextManager[RegistryProcess]:
    return ready_registry(folder, environment_for(folder, TERM="dumb"), port=port)


@pytest.fixture
def blocking(echo: str, echo_folder: Path, tmp_path: Path) -> Iterator[str]:
    """The echo image with a blocking handler and a lease of BLOCKED_TTL seconds."""
    (tmp_path / "handler.py").write_text(BLOCKING)
    config = json.loads((echo_folder / "agent.json").read_text())
    config |= {"inputs": [], "sync_timeout": 60}
    config["registry"]["ttl_seconds"] = BLOCKED_TTL
    (tmp_path / "agent.json").write_text(json.dumps(config))
    dockerfile = f"FROM {echo}\nCOPY handler.py agent.json /app/\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    image = engine.image_name("blocking")
    docker("build", "--tag", image, str(tmp_path), legacy=not engine.has_buildkit())
    yield image
    docker("image", "rm", "--force", image)


def test_a_handler_that_blocks_the_loop_for_three_ttls_does_not_lose_the_lease(
    registry: RegistryProcess, blocking: str
) -> None:
    with agents.running_agent(blocking, registry_url=registry.url) as agent:
        generation = wait_until_listed(registry, agent)
        wait_until(agent.is_ready, "readiness")
        begin = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"http://127.0.0.1:{agent.port}/run",
                json={"seconds": 60},
                timeout=httpx.Timeout(5, read=0.5),
            )
        statuses = set()
        while time.monotonic() - begin < BLOCKED_TTLS * BLOCKED_TTL:
            record = registry.listed().get(agent.agent_id)
            assert record is not None, "its lease ended"
            assert record["generation"] == generation
            statuses.add(record["status"])
        assert "degraded" in statuses
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"http://127.0.0.1:{agent.port}/health/live", timeout=0.2)


def test_of_two_containers_with_one_id_the_older_is_refused_and_reports_it(
    registry: RegistryProcess, echo: str
) -> None:
    environment = SHORT_LEASE | NEEDS_TOKEN
    with agents.running_agent(echo, registry_url=registry.url, environment=environment) as older:
        first = wait_until_listed(registry, older)
        wait_until(older.is_ready, "readiness")
        with agents.running_agent(
            echo, registry_url=registry.url, agent_id=older.agent_id, environment=SHORT_LEASE
        ) as newer:
            wait_until(lambda: older.why_not_ready() is not None, "the refusal of the older one")
            reason = older.why_not_ready() or ""
            record = registry.listed()[older.agent_id]
            assert newer.is_ready()
            older.container.stop()

            # Stopping the refused one does not deregister the other.
            assert registry.listed()[older.agent_id]["port"] == newer.port
    assert older.agent_id in reason or "id" in reason.split()
    assert "another" in reason or "newer" in reason, reason
    assert record["port"] == newer.port
    assert record["generation"] > first
