"""Processes in tests: waiting with a deadline, and finding out which are running."""

import asyncio
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

DEADLINE_SECONDS = 30.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ServerProcess:
    """A server on a port of this machine."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Return as soon as `condition` holds; fail with `what` if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(POLL_SECONDS)


async def wait_in_loop(
    condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Do the same inside an event loop without blocking it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        await asyncio.sleep(POLL_SECONDS)


def is_running(pid: int) -> bool:
    """Return whether a process is running. A zombie is not."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)],  # noqa: S607 - wherever this system has it
        capture_output=True,
        text=True,
        check=False,
    )
    state = done.stdout.strip()
    return bool(state) and not state.startswith("Z")


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of a process's children and their descendants, by id."""
    done = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 3) for line in done.stdout.splitlines()]
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        children = {
            int(child): "".join(arguments)
            for child, parent, state, *arguments in rows
            if int(parent) in parents and not state.startswith("Z")
        }
        found |= children
        parents = set(children)
    return found
