"""A registry's worker probes a real agent, and agents that do what they should not."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.agents.receiver import Receiver, Reply, receiving
from tests.integration.agent_process import AgentProcess, running_agent
from tests.integration.postgres_cluster import running_cluster
from tests.integration.registry_process import (
    MANAGE,
    PROJECT,
    RegistryProcess,
    environment_for,
    free_port,
    ready_registry,
)
from tests.processes import wait_until
from tests.watch_client import WatchClient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PATIENCE = 120.0
LONG_LEASE = {"AGENT_TTL_SECONDS": "3600", "AGENT_HEARTBEAT_SECONDS": "1", "NO_PROXY": "*"}
CLOUD = "169.254.169.254"


@dataclass(frozen=True)
class System:
    registry: RegistryProcess
    agent_folder: Path

    def probe(self, agent_id: str) -> str:
        agent = self.registry.agent(agent_id)
        assert agent is not None
        return str(agent["probe"])

    def wait_for(self, agent_id: str, *probes: str) -> None:
        wait_until(lambda: self.probe(agent_id) in probes, f"{probes} of {agent_id}", PATIENCE)

    def picked(self) -> set[str]:
        """Return whom 60 picks choose: each of three agents, but in one of 10^10 runs."""
        picks = [plain_http.get(f"{self.registry.url}/agents/pick") for _ in range(60)]
        return {answer.json().get("agent_id", "nobody") for answer in picks}

    def register(self, agent_id: str, host: str, port: int) -> None:
        agent = {"agent_id": agent_id, "host": host, "port": port, "ttl_seconds": 3600}
        plain_http.post(f"{self.registry.url}/agents/register", json=agent).raise_for_status()


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("probes")
    port = free_port()
    settings = {
        "REGISTRY_URL": f"http://127.0.0.1:{port}",
        # Loopback, and what no one may be made to call.
        "PROBE_NETWORKS": "127.0.0.0/8, 0.0.0.0/0",
        "PROBE_INTERVAL_SECONDS": "5",
        "PROBE_TIMEOUT_SECONDS": "2",
        "PROBE_FAILURES": "1",
        "PROBE_SUCCESSES": "1",
    }
    with ExitStack() as stack:
        if request.param == "PostgreSQL":
            programs = request.getfixturevalue("postgres_programs")
            settings["DATABASE_URL"] = stack.enter_context(running_cluster(programs)).url
        environment = environment_for(folder, **settings)
        registry = stack.enter_context(ready_registry(folder, environment, port=port))
        generate_example(folder / "echo", registry.url)
        yield System(registry, folder / "echo")


def generate_example(folder: Path, registry_url: str) -> None:
    command = ["generate_agent", str(PROJECT / "examples" / "echo" / "agent.yaml")]
    options = ["--output", str(folder), "--registry-url", registry_url]
    subprocess.run([*MANAGE, *command, *options], stdout=subprocess.DEVNULL, check=True)


@pytest.fixture
def agent(system: System, tmp_path: Path) -> Iterator[AgentProcess]:
    log = tmp_path / "agent.log"
    with running_agent(system.agent_folder, "echo", log, LONG_LEASE) as agent:
        wait_until(lambda: system.registry.agent("echo"), "the registration", PATIENCE)
        system.wait_for("echo", "answers")
        yield agent
    plain_http.request("DELETE", f"{system.registry.url}/agents/echo")


def test_an_agent_that_freezes_thaws_and_dies_is_seen_to_do_so(
    system: System, agent: AgentProcess
) -> None:
    assert system.picked() == {"echo"}

    with WatchClient(system.registry.url) as watch:
        os.kill(agent.process.pid, signal.SIGSTOP)
        system.wait_for("echo", "unreachable")
        assert system.picked() == {"nobody"}
        assert "echo" in system.registry.listed()
        watch_sees(watch, "unreachable")

        os.kill(agent.process.pid, signal.SIGCONT)
        system.wait_for("echo", "answers")
        assert system.picked() == {"echo"}
        watch_sees(watch, "answers")

        agent.process.kill()
        agent.process.wait()
        system.wait_for("echo", "unreachable")
        watch_sees(watch, "unreachable")
        assert watch.faults == []


def watch_sees(watch: WatchClient, probe: str) -> None:
    wait_until(lambda: watch.view["echo"]["probe"] == probe, f"{probe} in the watch", PATIENCE)


def test_agents_that_misbehave_fail_alone_and_forbidden_places_are_not_called(
    system: System, agent: AgentProcess
) -> None:
    may_end = threading.Event()
    replies: dict[str, Any] = {
        "refuses": lambda _: Reply(503, body=b'{"reason": "no model"}'),
        "redirects": lambda _: Reply(302, {"Location": f"http://127.0.0.1:{agent.port}/health"}),
        "hangs": lambda _: Reply(200 if may_end.wait(PATIENCE) else 500),
    }
    with ExitStack() as stack:
        servers: dict[str, Receiver] = {}
        for name, script in replies.items():
            servers[name] = stack.enter_context(receiving(script))
            system.register(name, "127.0.0.1", servers[name].port)
        system.register("of-the-cloud", CLOUD, 80)
        system.register("the-registry", "127.0.0.1", system.registry.port)

        system.wait_for("refuses", "not-ready")
        system.wait_for("redirects", "not-ready")
        system.wait_for("hangs", "unreachable")
        for name, server in servers.items():
            wait_until(lambda: len(server.received) > 1, f"another probe of {name}", PATIENCE)  # noqa: B023

        assert system.probe("echo") == "answers"
        assert system.probe("of-the-cloud") == system.probe("the-registry") == "not-probed"
        assert system.picked() == {"echo", "of-the-cloud", "the-registry"}
        may_end.set()
