"""The demo: an agent registers, is killed and expires; then it starts again and deregisters."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import httpx

from examples.lifecycle.programs import free_port, manage, running
from examples.lifecycle.registry import Registry, expiry
from examples.lifecycle.steps import StepError, Steps, poll

TTL_SECONDS = 3
HEARTBEAT_SECONDS = 1
# Usually within 1 s; longer on a busy machine.
REGISTER_SECONDS = 5
RESPONSE_SECONDS = 10
HANDLER = "handler.py"
# The worker may be busy with another task when the sweep is due.
SWEEP_GRACE_SECONDS = 2


class DemoAgent:
    def __init__(self, registry: Registry, folder: Path) -> None:
        self.agent_id = f"demo-agent-{os.getpid()}"
        self.folder = folder / "demo-agent"
        self.log = folder / "agent.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._registry = registry

    def generate(self) -> None:
        arguments = [self.agent_id, "--registry-url", self._registry.url]
        manage("generate_agent", *arguments, "--output", str(self.folder), environment=os.environ)

    @contextmanager
    def running(self) -> Iterator[Popen[bytes]]:
        environment = os.environ | {
            "AGENT_ID": self.agent_id,
            "AGENT_HOST": "127.0.0.1",
            "AGENT_PORT": str(self.port),
            "AGENT_TTL_SECONDS": str(TTL_SECONDS),
            "AGENT_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        }
        server = [sys.executable, "-m", "agent_runtime"]
        with running(server, self.folder, environment, self.log) as process:
            yield process


def run_demo(registry: Registry, folder: Path, steps: Steps) -> None:
    """Show all steps. Raises the exception of the first that fails."""
    agent = DemoAgent(registry, folder)
    with steps.step("generate an agent") as step:
        agent.generate()
        files = [path.name for path in agent.folder.iterdir()]
        step.result = f"{len(files)} files, from Dockerfile to {HANDLER}"
        if not {"Dockerfile", HANDLER} <= set(files):
            raise StepError(f"only these files: {', '.join(sorted(files))}")
    with _registered(agent, registry, steps) as process:
        _show_heartbeat(agent, registry, steps)
        _show_readiness_and_work(agent, registry, steps)
        _show_expiry(agent, registry, process, steps)
    with _registered(agent, registry, steps) as process:
        _show_shutdown(agent, registry, process, steps)


@contextmanager
def _registered(agent: DemoAgent, registry: Registry, steps: Steps) -> Iterator[Popen[bytes]]:
    """Run the agent, and wait until it has registered."""
    started = time.monotonic()
    with agent.running() as process:
        with steps.step("start the agent: it registers") as step:

            def is_listed() -> bool:
                if process.poll() is not None:
                    raise StepError(f"the agent ended: {agent.log.read_text()}")
                return registry.listed(agent.agent_id) is not None

            poll(is_listed, REGISTER_SECONDS, "the agent in GET /agents")
            step.result = f"listed {time.monotonic() - started:.2f} s after its start"
        yield process


def _show_heartbeat(agent: DemoAgent, registry: Registry, steps: Steps) -> None:
    with steps.step("it sends heartbeats") as step:
        first = _record(agent, registry)

        def extension() -> float:
            return expiry(_record(agent, registry)) - expiry(first)

        seconds = poll(extension, RESPONSE_SECONDS, "a later last_heartbeat")
        step.result = f"lease renewed by {seconds:.2f} s"


def _show_readiness_and_work(agent: DemoAgent, registry: Registry, steps: Steps) -> None:
    with steps.step("it is ready") as step:

        def ready() -> httpx.Response | None:
            response = registry.http.get(f"{agent.url}/health/ready")
            return response if response.is_success else None

        step.result = f"/health/ready: {poll(ready, RESPONSE_SECONDS, 'readiness').text}"
    with steps.step("it handles a request") as step:
        response = registry.http.post(f"{agent.url}/run", json={"input": "hello"})
        if not response.is_success:
            raise StepError(f"/run responded with {response.status_code}: {response.text}")
        step.result = f"/run: {response.text}"


def _show_expiry(agent: DemoAgent, registry: Registry, process: Popen[bytes], steps: Steps) -> None:
    process.kill()
    process.wait()
    with steps.step("SIGKILL: it stays listed until its lease ends") as step:
        expires_at, gone_at = _wait_for_expiry(agent, registry)
        step.result = f"left the listing {gone_at - expires_at:.3f} s after expires_at"
    with steps.step("a sweep deletes its record") as step:
        left = expires_at + registry.sweep_seconds + SWEEP_GRACE_SECONDS - time.time()
        poll(lambda: registry.agent(agent.agent_id) is None, left, "404 for the agent")
        step.result = f"404, {time.time() - expires_at:.2f} s after expires_at"


def _wait_for_expiry(agent: DemoAgent, registry: Registry) -> tuple[float, float]:
    """Read the listing until the agent is gone; return the end of its lease, and when it was gone.

    A response received before the end must list the agent; one requested after it must not.
    """
    expires_at = expiry(_record(agent, registry))
    while True:
        sent = time.time()
        entry = registry.listed(agent.agent_id)
        received = time.time()
        if entry is None:
            if received < expires_at:
                raise StepError(f"left the listing {expires_at - received:.3f} s too early")
            return expires_at, received
        expires_at = expiry(entry)  # its last heartbeat may have been in flight
        if sent >= expires_at:
            raise StepError(f"still listed {sent - expires_at:.3f} s after its lease ended")
        time.sleep(min(0.1, max(0.0, expires_at - received - 0.02)))


def _show_shutdown(
    agent: DemoAgent, registry: Registry, process: Popen[bytes], steps: Steps
) -> None:
    with steps.step("SIGTERM: it deregisters") as step:
        terminated = time.monotonic()
        process.terminate()
        poll(lambda: registry.agent(agent.agent_id) is None, RESPONSE_SECONDS, "404 for the agent")
        if registry.listed(agent.agent_id) is not None:
            raise StepError("404, but still listed")
        gone = time.monotonic() - terminated
        code = process.wait(RESPONSE_SECONDS)
        if code != 0:
            raise StepError(f"the agent exited with {code}: {agent.log.read_text()}")
        step.result = (
            f"404 after {gone:.2f} s, its process ended after {time.monotonic() - terminated:.2f} s"
        )


def _record(agent: DemoAgent, registry: Registry) -> dict[str, object]:
    record = registry.agent(agent.agent_id)
    if record is None:
        raise StepError("the registry does not know the agent")
    return record
