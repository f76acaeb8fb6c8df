"""A registry in token mode with two web processes, and agents with and without a token."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.integration.agent_process import NEEDS_TOKEN, AgentProcess, generate_agent, running_agent
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import descendants, wait_until

pytestmark = pytest.mark.integration

LONG_LEASE = {"AGENT_TTL_SECONDS": "600", "AGENT_HEARTBEAT_SECONDS": "0.2"}
# Enough new connections to reach both processes.
MANY = 30


@dataclass(frozen=True)
class System:
    registry: RegistryProcess
    environment: Mapping[str, str]
    agent_folder: Path

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [*MANAGE, *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def agent(
        self, agent_id: str, logs: Path, environment: Mapping[str, str]
    ) -> AbstractContextManager[AgentProcess]:
        return running_agent(self.agent_folder, agent_id, logs / f"{agent_id}.log", environment)

    def register(self, token: str, agent_id: str) -> int:
        """Register over a new connection; return the status."""
        body = {"agent_id": agent_id, "host": "127.0.0.1", "port": 80, "ttl_seconds": 600}
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.registry.url}/agents/register"
        return plain_http.post(url, json=body, headers=headers).status_code


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("registry")
    environment = environment_for(
        folder,
        REGISTRY_AUTH="token",
        REGISTRY_PUBLIC_READ="true",
        RATE_WRONG_TOKENS_PER_ADDRESS="off",
        TERM="dumb",
    )
    with ready_registry(folder, environment, ["--workers=2"]) as registry:
        wait_until(lambda: web_processes(registry) == 2, "two web processes")
        generate_agent(folder / "agent", registry.url)
        yield System(registry, environment, folder / "agent")


def web_processes(registry: RegistryProcess) -> int:
    running = descendants(registry.process.pid).values()
    return sum("gunicorn" in arguments for arguments in running) - 1  # their master


def reason(agent: AgentProcess) -> str:
    answer = agent.get("/health/ready")
    return "" if answer is None else str(answer.json().get("reason", ""))


def test_an_agent_registers_with_its_token_file_and_others_are_refused(
    system: System, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(system.manage("issue_token", "--quiet", "--prefix=echo-") + "\n")
    # Only callers with a token see why.
    environment = LONG_LEASE | NEEDS_TOKEN
    with_token = environment | {"AGENT_ENROLMENT_TOKEN_FILE": str(token)}

    with (
        system.agent("echo-1", tmp_path, with_token) as accepted,
        system.agent("echo-2", tmp_path, environment) as without_token,
        system.agent("other-1", tmp_path, with_token) as wrong_prefix,
    ):
        wait_until(lambda: "echo-1" in system.registry.listed(), "the agent in the listing")
        wait_until(
            lambda: "set AGENT_ENROLMENT_TOKEN" in reason(without_token), "why it is not ready"
        )
        wait_until(lambda: "'echo-'" in reason(wrong_prefix), "why it is not ready")
        assert reason(accepted) == ""
        # A container that restarts under the same id after a kill.
        generation = system.registry.listed()["echo-1"]["generation"]
        accepted.process.kill()
        accepted.process.wait()
        with system.agent("echo-1", tmp_path, with_token) as again:
            wait_until(
                lambda: system.registry.listed()["echo-1"]["generation"] > generation, "its return"
            )
            again.process.terminate()
            assert again.process.wait(30) == 0
            assert system.registry.agent("echo-1") is None  # deregistered with its lease token
        listed = system.registry.listed()
        assert not {"echo-2", "other-1"} & listed.keys()
    secret = token.read_text().strip()
    for log in (*tmp_path.glob("*.log"), system.registry.log):
        assert secret not in log.read_text()


def test_a_revoked_token_is_refused_by_all_processes_within_seconds(
    system: System, tmp_path: Path
) -> None:
    token = system.manage("issue_token", "--quiet", "--prefix=revoked-")
    environment = LONG_LEASE | {"AGENT_ENROLMENT_TOKEN": token}
    with system.agent("revoked-1", tmp_path, environment) as agent:
        wait_until(lambda: "revoked-1" in system.registry.listed(), "the agent in the listing")
        # Both processes have cached the token now.
        statuses = {system.register(token, f"revoked-{number}") for number in range(2, MANY)}
        assert statuses == {httpx.codes.CREATED}

        assert system.manage("revoke_token", token).endswith(" revoked")

        def is_refused_everywhere() -> bool:
            answers = {system.register(token, f"revoked-{number}") for number in range(2, MANY)}
            return answers == {httpx.codes.UNAUTHORIZED}

        wait_until(is_refused_everywhere, "401 from both processes", seconds=10)
        # The lease stays valid, since it has its own token.
        before = system.registry.listed()["revoked-1"]["last_heartbeat"]
        wait_until(
            lambda: system.registry.listed()["revoked-1"]["last_heartbeat"] > before, "a heartbeat"
        )
        assert reason(agent) == ""
        assert "is revoked" in system.registry.output
