"""Programs that a benchmark starts: waited for until they listen, ended with all they started."""

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
    """Something is not installed on this machine; the message says what to do about it."""


class DidNotStart(Exception):
    """The program ended before it answered; the message has what it wrote."""


@contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    *,
    port: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server in the project's folder, until the end of the body; give its process id.

    It is given once somebody listens on `port`. What it writes goes to `folder`. Raise DidNotStart.
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
