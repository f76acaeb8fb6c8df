"""Generates, builds, starts and calls one agent."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.trials.calls import Call
from tests.docker import agents, engine
from tests.docker.agents import NO_REGISTRY, AgentContainer
from tests.docker.engine import DockerError, docker
from tests.integration.registry_process import MANAGE, RegistryProcess
from tests.processes import wait_until

AGENTS = Path(__file__).with_name("agents")
SECONDS = 120.0
BUILD_SECONDS = 3600.0
VERSIONS = """
import importlib.metadata, sys
print(*(importlib.metadata.version(name) for name in sys.argv[1:]))
"""


class TrialFailed(Exception):
    """The agent does not work; the message says why."""


@dataclass
class Trial:
    """What was seen. `problem` is "" if the agent works."""

    name: str
    versions: str = ""
    size: tuple[int, int] = (0, 0)  # in bytes, as a tar and gzipped
    registered: float = 0.0  # seconds from `docker run` to the listing
    problem: str = ""


def try_agent(name: str, call: Call, base: str, registry: RegistryProcess, folder: Path) -> Trial:
    """`folder`: a new one, for the agent."""
    trial = Trial(name)
    image = f"agent-trial-{name.replace('_', '-')}"
    try:
        _generate(AGENTS / name, folder, base)
        engine.build(folder / "agent", image, base=base, seconds=BUILD_SECONDS)
        trial.size = engine.sizes(image)
        _run(trial, call, image, registry)
    except (TrialFailed, DockerError, AssertionError, httpx.HTTPError) as error:
        trial.problem = str(error) or type(error).__name__
    finally:
        if engine.has_image(image):
            docker("image", "rm", "--force", image)
    return trial


def _generate(source: Path, folder: Path, base: str) -> None:
    """Generate the agent for the Python of the base image, with locked versions."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = docker("run", "--rm", base, "python3", "-c", code)
    shutil.copytree(source, folder / "spec")
    with (folder / "spec" / "agent.yaml").open("a", encoding="utf-8") as spec:
        spec.write(f"base_image: python:{python}-slim\n")
    command = ["generate_agent", str(folder / "spec" / "agent.yaml")]
    options = ["--output", str(folder / "agent"), "--registry-url", NO_REGISTRY]
    done = subprocess.run(
        [*MANAGE, *command, *options], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise TrialFailed(f"generate_agent: {done.stderr}")


def _run(trial: Trial, call: Call, image: str, registry: RegistryProcess) -> None:
    begin = time.monotonic()
    with agents.running_agent(image, "--tmpfs=/tmp", registry_url=registry.url) as agent:

        def is_listed() -> bool:
            if not agent.container.state()["Running"]:
                raise TrialFailed(f"it ended: {agent.container.logs()}")
            return agent.agent_id in registry.listed()

        wait_until(is_listed, "its registration", SECONDS)
        trial.registered = time.monotonic() - begin
        try:
            wait_until(agent.is_ready, "readiness", SECONDS)
        except AssertionError as error:
            raise TrialFailed(f"it is not ready: {agent.container.logs()}") from error
        _check(agent, call)
        if call.packages:
            command = ["exec", agent.container.id, "python", "-c", VERSIONS, *call.packages]
            trial.versions = docker(*command)


def _check(agent: AgentContainer, call: Call) -> None:
    """Raises TrialFailed if the agent's answer is another one than the expected."""
    if call.is_streamed:
        result, pieces = _streamed(agent, call.inputs)
        if not pieces:
            raise TrialFailed("it sends no pieces")
    else:
        response = agent.run(**call.inputs)
        if not response.is_success:
            raise TrialFailed(f"{response.status_code}: {response.text}\n{agent.container.logs()}")
        result = response.json()
    if result != call.result:
        raise TrialFailed(f"the result is {json.dumps(result)}")


def _streamed(agent: AgentContainer, inputs: dict[str, Any]) -> tuple[Any, int]:
    """Return the result, and the number of pieces before it."""
    url = f"http://127.0.0.1:{agent.port}/run"
    response = httpx.post(url, json=inputs, headers={"Accept": "text/event-stream"}, timeout=60)
    events = [event.split("\n") for event in response.text.split("\n\n") if "data: " in event]
    named = [(lines[0], lines[-1].removeprefix("data: ")) for lines in events]
    pieces = [data for name, data in named if name == "event: piece"]
    results = [json.loads(data) for name, data in named if name == "event: result"]
    return (results or [None])[-1], len(pieces)
