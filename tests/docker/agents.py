"""Agents that are generated, built and run in containers."""

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploygen.output.rendering import render
from deploygen.output.writing import write_folder
from deploygen.spec.model import AgentSpec
from tests import plain_http
from tests.docker import engine
from tests.docker.engine import Container
from tests.integration.agent_process import WITH_TOKEN
from tests.integration.registry_process import MANAGE, PROJECT, free_port

ECHO = PROJECT / "examples" / "echo" / "agent.yaml"
# Nothing listens there; a container gets the registry's URL when it starts.
NO_REGISTRY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class AgentContainer:
    container: Container
    agent_id: str
    port: int

    def get(self, path: str) -> httpx.Response | None:
        """Return the agent's response, or None while it does not listen."""
        try:
            return plain_http.get(f"http://127.0.0.1:{self.port}{path}", headers=WITH_TOKEN)
        except httpx.TransportError:
            return None

    def run(self, **inputs: object) -> httpx.Response:
        return plain_http.post(f"http://127.0.0.1:{self.port}/run", json=inputs)

    def why_not_ready(self) -> str | None:
        """Return the agent's reason, or None if it is ready or does not listen."""
        answer = self.get("/health/ready")
        if answer is None or answer.status_code == httpx.codes.OK:
            return None
        reason: str = answer.json()["reason"]
        return reason

    def is_ready(self) -> bool:
        answer = self.get("/health/ready")
        return answer is not None and answer.status_code == httpx.codes.OK


def generate_echo(folder: Path) -> None:
    """Generate the echo example as its README says."""
    subprocess.run(
        [
            *MANAGE,
            "generate_agent",
            str(ECHO),
            "--output",
            str(folder),
            "--registry-url",
            NO_REGISTRY,
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )


def generate(folder: Path, handler: str, spec: AgentSpec) -> None:
    write_folder(folder, render(spec, {"handler.py": handler}))


@contextmanager
def running_agent(
    image: str,
    *options: str,
    registry_url: str = NO_REGISTRY,
    agent_id: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[AgentContainer]:
    """Run an agent's image, hardened, with a unique id on a free port."""
    port, agent_id = free_port(), agent_id or f"agent-{uuid.uuid4()}"
    own = {
        "AGENT_ID": agent_id,
        "AGENT_HOST": "127.0.0.1",
        "AGENT_PORT": str(port),
        "AGENT_REGISTRY_URL": registry_url,
    }
    name = f"test-{uuid.uuid4()}"
    with engine.running(
        image, name, *options, environment=own | dict(environment or {})
    ) as container:
        yield AgentContainer(container, agent_id, port)
