"""Agents as separate processes: a generated agent, and a fleet of clients in one process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import plain_http
from tests.integration.registry_process import MANAGE, PROJECT, free_port

# Of an agent that needs one; the others do not look at it.
TOKEN = "a-token-of-the-tests"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
NEEDS_TOKEN = {"AGENT_TOKENS": TOKEN}


@dataclass(frozen=True)
class AgentProcess:
    process: subprocess.Popen[bytes]
    agent_id: str
    port: int
    log: Path

    def get(self, path: str) -> httpx.Response | None:
        """Return the agent's response, or None while it does not listen."""
        try:
            return plain_http.get(f"http://127.0.0.1:{self.port}{path}", headers=WITH_TOKEN)
        except httpx.TransportError:
            assert self.process.poll() is None, self.log.read_text()
            return None


def generate_agent(folder: Path, registry_url: str) -> None:
    subprocess.run(
        [
            *MANAGE,
            "generate_agent",
            "echo-agent",
            "--output",
            str(folder),
            "--registry-url",
            registry_url,
            "--ttl=3",
            "--heartbeat-interval=0.5",
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def running_agent(
    folder: Path, agent_id: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[AgentProcess]:
    """Run the generated agent in `folder`; kill it at the end."""
    port = free_port()
    own = {"AGENT_ID": agent_id, "AGENT_HOST": "127.0.0.1", "AGENT_PORT": str(port)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent_runtime"],
            cwd=folder,
            env=os.environ | own | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield AgentProcess(process, agent_id, port, log)
    finally:
        process.kill()
        process.wait()


@contextmanager
def running_fleet(
    url: str, log: Path, prefix: str, *, agents: int, ttl: int, interval: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Run many registry clients in one process, see tests/faults/fleet.py; kill it at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.faults.fleet",
                url,
                f"--prefix={prefix}",
                f"--steady={agents}",
                f"--ttl={ttl}",
                f"--interval={interval}",
            ],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait()
