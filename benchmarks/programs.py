"""Starts servers for a benchmark, waits until they listen, and kills them with their children."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.processes import descendants, wait_until

PROJECT = Path(__file__).parents[1]
LOCAL = "127.0.0.1"


class Missing(Exception):
    """A program is not installed; the message says how to install it."""


class DidNotStart(Exception):
    """A program ended before it listened; the message has its output."""


@contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    *,
    port: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server in the project's folder; yield its process id once it listens on `port`.

    Its output goes to a file in `folder`. Raises DidNotStart.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=PROJECT,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def listens() -> bool:
        if process.poll() is not None:
            raise DidNotStart(f"{name} ended with {process.returncode}:\n{log.read_text()}")
        with suppress(OSError), socket.create_connection((LOCAL, port), 1):
            return True
        return False

    try:
        wait_until(listens, f"{name} on port {port}")
        yield process.pid
    finally:
        left = descendants(process.pid)
        for pid in (process.pid, *left):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
