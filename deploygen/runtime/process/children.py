import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from multiprocessing import active_children
from pathlib import Path

PROC = Path("/proc")
ENDING_SECONDS = 0.25
POLL_SECONDS = 0.01


def free_forks(sockets: Callable[[], Iterable[socket.socket]]) -> None:
    """Forks must not keep the agent's signal handlers and open `sockets`."""

    def free() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            if callable(signal.getsignal(number)):
                signal.signal(
                    number,
                    signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL,
                )
        signal.set_wakeup_fd(-1)  # leads to the agent's event loop
        nothing = os.open(os.devnull, os.O_RDWR)
        for each in sockets():
            # Not closed: the copied objects will close the number.
            with contextlib.suppress(OSError):
                os.dup2(nothing, each.fileno(), inheritable=False)
        os.close(nothing)

    os.register_at_fork(after_in_child=free)


def terminate_children() -> None:
    for pid in _descendants():
        _send(pid, signal.SIGTERM)


def kill_children() -> None:
    deadline = time.monotonic() + ENDING_SECONDS
    while (left := _descendants()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for pid in left:
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _descendants() -> list[int]:
    if not (PROC / "self/stat").exists():
        return [child.pid for child in active_children() if child.pid is not None]
    children: dict[int, list[int]] = {}
    for path in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            # The name before may contain anything.
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found = children.get(os.getpid(), [])[:]
    for pid in found:
        found += children.get(pid, [])
    return found
