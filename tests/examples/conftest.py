"""The examples, generated and run as their README says, in the tests' environment."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from tests import plain_http
from tests.integration.agent_process import AgentProcess, running_agent
from tests.processes import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


class Example:
    """A running example."""

    def __init__(self, agent: AgentProcess) -> None:
        self.agent = agent
        self.http = plain_http.client(f"http://127.0.0.1:{agent.port}")

    def is_ready(self) -> bool:
        answer = self.agent.get("/health/ready")
        return answer is not None and answer.status_code == 200

    def run(self, **inputs: object) -> httpx.Response:
        return self.http.post("/run", json=inputs)


RunExample = Callable[..., AbstractContextManager[Example]]
RunSpec = Callable[..., AbstractContextManager[Example]]


@pytest.fixture
def run_spec(tmp_path: Path) -> RunSpec:
    """A function that generates and runs the agent of a spec, and waits until it is `ready`."""

    @contextmanager
    def run(spec: Path, *, ready: bool = True, **environment: str) -> Iterator[Example]:
        folder = tmp_path / "generated"
        call_command(
            "generate_agent",
            str(spec),
            "--no-registry",
            "--output",
            str(folder),
            stdout=io.StringIO(),
        )
        # No proxy for calls to this machine.
        local = {"NO_PROXY": "*", **environment}
        with running_agent(folder, "example", tmp_path / "agent.log", local) as agent:
            example = Example(agent)
            try:
                if ready:
                    wait_until(example.is_ready, "readiness")
                yield example
            finally:
                example.http.close()

    return run


@pytest.fixture
def run_example(run_spec: RunSpec) -> RunExample:
    """The same for an example, by name."""

    def run(name: str, **options: Any) -> AbstractContextManager[Example]:
        return run_spec(EXAMPLES / name / "agent.yaml", **options)

    return run


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith(("AGENT_", "OPENAI_")):
            monkeypatch.delenv(variable)
