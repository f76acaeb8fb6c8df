"""A generated agent and a registry as two processes that communicate by HTTP."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest

from tests import plain_http
from tests.integration.agent_process import AgentProcess, generate_agent, running_agent
from tests.integration.registry_process import (
    RegistryProcess,
    environment_for,
    free_port,
    migrate,
    ready_registry,
    started_registry,
)
from tests.processes import wait_until

pytestmark = pytest.mark.integration

# Leases that do not end while a test runs, so that no agent can expire.
LONG_LEASE = {"AGENT_TTL_SECONDS": "600", "AGENT_HEARTBEAT_SECONDS": "0.5"}

StartAgent = Callable[..., AbstractContextManager[AgentProcess]]
StartRegistry = Callable[[Path], AbstractContextManager[RegistryProcess]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    folder = tmp_path_factory.mktemp("registry")
    environment = environment_for(folder, SWEEP_INTERVAL_SECONDS="1", TERM="dumb")
    with ready_registry(folder, environment) as registry:
        yield registry


@pytest.fixture(scope="module")
def agent_folder(registry: RegistryProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an agent generated for this registry."""
    folder = tmp_path_factory.mktemp("agent") / "echo-agent"
    generate_agent(folder, registry.url)
    return folder


@pytest.fixture
def start_agent(agent_folder: Path, tmp_path: Path) -> StartAgent:
    """A function that runs the agent with the given variables."""

    def start(**environment: str) -> AbstractContextManager[AgentProcess]:
        return running_agent(
            agent_folder, f"echo-{uuid.uuid4()}", tmp_path / "agent.log", environment
        )

    return start


@pytest.fixture
def port() -> int:
    """The port of a registry that tests start and stop."""
    return free_port()


@pytest.fixture
def start_registry(port: int) -> StartRegistry:
    """A function that starts that registry with the data in a folder."""

    def start(folder: Path) -> AbstractContextManager[RegistryProcess]:
        environment = environment_for(folder, TERM="dumb")
        migrate(environment)
        return started_registry(folder, environment, port=port)

    return start


def wait_until_listed(registry: RegistryProcess, agent: AgentProcess) -> int:
    """Wait until the agent is listed; return the generation of its lease."""

    def is_listed() -> bool:
        assert agent.process.poll() is None, agent.log.read_text()
        return registry.is_ready() and agent.agent_id in registry.listed()

    wait_until(is_listed, "the agent in the listing")
    generation: int = registry.listed()[agent.agent_id]["generation"]
    return generation


def last_heartbeat(registry: RegistryProcess, agent: AgentProcess) -> datetime:
    record = registry.agent(agent.agent_id)
    assert record is not None
    return datetime.fromisoformat(record["last_heartbeat"])


def test_a_generated_agent_registers_becomes_ready_and_works(
    registry: RegistryProcess, start_agent: StartAgent
) -> None:
    with start_agent() as agent:
        wait_until_listed(registry, agent)
        record = registry.listed()[agent.agent_id]
        ready = agent.get("/health/ready")
        answer = plain_http.post(f"http://127.0.0.1:{agent.port}/run", json={"n": 1})

    expected = ("echo-agent", "127.0.0.1", agent.port, 3)
    assert tuple(record[key] for key in ("agent_name", "host", "port", "ttl_seconds")) == expected
    assert ready is not None
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert answer.json() == {"echo": {"n": 1}}


def test_heartbeats_extend_the_lease_beyond_its_first_end(
    registry: RegistryProcess, start_agent: StartAgent
) -> None:
    with start_agent() as agent:
        generation = wait_until_listed(registry, agent)
        ends_at = datetime.fromisoformat(registry.listed()[agent.agent_id]["expires_at"])
        wait_until(
            lambda: last_heartbeat(registry, agent) > ends_at, "a heartbeat after the first end"
        )

        assert registry.listed()[agent.agent_id]["generation"] == generation


def test_a_killed_agent_is_listed_until_its_lease_ends_and_then_purged(
    registry: RegistryProcess, start_agent: StartAgent
) -> None:
    with start_agent() as agent:
        wait_until_listed(registry, agent)
        agent.process.kill()
        agent.process.wait()
    ends_at = 0.0
    # The listing was made after `sent`, so an expired agent must not be in it.
    while (sent := time.time()) and (entry := registry.listed().get(agent.agent_id)):
        ends_at = datetime.fromisoformat(entry["expires_at"]).timestamp()
        assert sent < ends_at, "listed after the end of its lease"
    assert 0.0 < ends_at <= time.time(), "gone before the end of its lease"

    wait_until(lambda: registry.agent(agent.agent_id) is None, "the purge", seconds=10)


def test_a_stopped_agent_deregisters_at_once(
    registry: RegistryProcess, start_agent: StartAgent
) -> None:
    with start_agent(**LONG_LEASE) as agent:
        wait_until_listed(registry, agent)
        agent.process.terminate()

        wait_until(lambda: registry.agent(agent.agent_id) is None, "the deregistration", seconds=10)
        assert agent.process.wait(timeout=30) == 0


def test_a_lease_survives_a_restart_of_the_registry(
    tmp_path: Path, port: int, start_registry: StartRegistry, start_agent: StartAgent
) -> None:
    with start_agent(AGENT_REGISTRY_URL=f"http://127.0.0.1:{port}", **LONG_LEASE) as agent:
        with start_registry(tmp_path) as registry:
            generation = wait_until_listed(registry, agent)
            before = last_heartbeat(registry, agent)
        with start_registry(tmp_path) as registry:
            registry.wait_until_ready()
            wait_until(
                lambda: last_heartbeat(registry, agent) > before, "a heartbeat after the restart"
            )

            assert registry.listed()[agent.agent_id]["generation"] == generation


def test_an_agent_registers_again_with_a_registry_that_lost_its_data(
    tmp_path: Path, port: int, start_registry: StartRegistry, start_agent: StartAgent
) -> None:
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    with start_agent(AGENT_REGISTRY_URL=f"http://127.0.0.1:{port}", **LONG_LEASE) as agent:
        with start_registry(first) as registry:
            wait_until_listed(registry, agent)
        with start_registry(second) as registry:
            wait_until_listed(registry, agent)


def test_an_agent_started_before_its_registry_registers_later(
    tmp_path: Path, port: int, start_registry: StartRegistry, start_agent: StartAgent
) -> None:
    with start_agent(AGENT_REGISTRY_URL=f"http://127.0.0.1:{port}", **LONG_LEASE) as agent:
        wait_until(lambda: agent.get("/health/live"), "the agent's own server")
        with start_registry(tmp_path) as registry:
            wait_until_listed(registry, agent)
