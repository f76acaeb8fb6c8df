"""Starts and stops the demo's programs."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from examples.lifecycle.steps import StepError

PROJECT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(PROJECT / "manage.py")]
STOP_SECONDS = 30


@contextmanager
def running(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in `folder`, and stop it and its children at the end of the body."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C goes to the demo, which then stops its programs
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a program, kill it after STOP_SECONDS, and kill its remaining children."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError, PermissionError):  # no process left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def manage(*arguments: str, environment: Mapping[str, str]) -> None:
    """Run a manage.py command. Raises StepError, with its output, if it fails."""
    done = subprocess.run(
        [*MANAGE, *arguments],
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StepError(f"manage.py {arguments[0]} ended with {done.returncode}: {done.stdout}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
