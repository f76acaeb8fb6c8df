"""manage.py run_agent as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import plain_http
from tests.integration.registry_process import FOREIGN_SETTINGS, MANAGE, free_port
from tests.processes import wait_until

# The tests' Python has what an agent runs on.
WITH_OUR_PACKAGES = f"--python={sys.executable}"
SPEC = "name: an-agent\n"
ECHO = "def handle(inputs):\n    return {'echo': inputs}\n"


@dataclass(frozen=True)
class Development:
    """A running command, and the folder of its agent."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def write(self, text: str, name: str = "handler.py") -> None:
        """Write a file of the agent, unless it is like that."""
        path = self.folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def wait_for_output(self, text: str) -> None:
        def is_there() -> bool:
            assert self.process.poll() is None or text in self.output, self.output
            return text in self.output

        wait_until(is_there, f"{text!r} in the output", seconds=90)

    def get(self, path: str, accept: str = "*/*") -> httpx.Response | None:
        """Return the agent's response, None if there is none."""
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            return plain_http.get(url, headers={"Accept": accept})
        except httpx.TransportError:
            return None

    def run(self, **inputs: object) -> httpx.Response | None:
        try:
            return plain_http.post(f"http://127.0.0.1:{self.port}/run", json=inputs)
        except httpx.TransportError:
            return None

    def wait_for_result(self, result: object, seconds: float = 90) -> None:
        """Run it until it responds with this result."""

        def has_result() -> bool:
            assert self.process.poll() is None, self.output
            response = self.run()
            return response is not None and response.is_success and response.json() == result

        wait_until(has_result, f"the result {result}", seconds)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.output
        response = self.get("/health/ready")
        return response is not None and response.status_code == httpx.codes.OK

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def development(
    folder: Path, log: Path, *options: str, spec: str = SPEC, code: str = ECHO, **variables: str
) -> Iterator[Development]:
    """Run the agent of a folder, which is written unless it exists."""
    if not folder.exists():
        folder.mkdir()
        (folder / "agent.yaml").write_text(spec)
        (folder / "handler.py").write_text(code)
    port = free_port()
    foreign = ("AGENT_", "OPENAI_")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN_SETTINGS and not name.startswith(foreign)
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*MANAGE, "run_agent", str(folder), f"--port={port}", *options],
            env={**environment, "NO_PROXY": "*", **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Development(process, folder, port, log)
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        # The agent stops by itself when the command is gone.
        wait_until(lambda: running.get("/health/live") is None, "the agent's end")
