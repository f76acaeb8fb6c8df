"""The registry's programs as separate processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.processes import is_running, wait_until

SECONDS_TO_STOP = 20


class Program:
    """A program that runs, with its child processes, in its own session."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.environment = dict(environment)
        self.folder = folder
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def request_stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Stop it, and return when it has ended."""
        if self._process is None:
            return
        self.request_stop()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_STOP)
        self.kill()

    def kill(self) -> None:
        """Kill all of its processes at once."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Stop all its processes by SIGSTOP."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def check(self) -> None:
        """Fail with the end of its output if it does not run."""
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"{self.name} exited with {code}: {self.log.read_text()[-2000:]}"


def kill_process(pid: int) -> None:
    """Kill one process; return when it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid), f"the end of {pid}")


class RedisServer(Program):
    """A Redis without persistence."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        argv = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
        argv += ["--dir", str(folder), "--save", "", "--appendonly", "no"]
        log = folder / "redis.log"
        super().__init__("redis", argv, folder=folder, environment=os.environ, log=log)


def registry_commands(addresses: Sequence[str], code: Path) -> dict[str, list[str]]:
    """Return the commands by name: two web servers on the same `addresses`, worker and beat.

    `code` is the registry's folder; before 0.2.0 the web configuration was in another module.
    """
    is_moved = (code / "registry_project" / "server").exists()
    configuration = "server.configuration" if is_moved else "web_server"
    celery = [sys.executable, "-m", "celery", "--app=registry_project", "--quiet"]
    web = [
        sys.executable,
        "-m",
        "gunicorn",
        "registry_project.wsgi",
        "--workers=1",
        f"--config=python:registry_project.{configuration}",
        "--reuse-port",
        *(f"--bind={address}" for address in addresses),
    ]
    return {
        "web-1": web,
        "web-2": web,
        "worker": [*celery, "worker", "--loglevel=WARNING", "--pool=solo"],
        "beat": [*celery, "beat", "--loglevel=WARNING"],
    }
