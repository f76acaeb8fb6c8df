import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK_BYTES = 64 * 1024
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True)
class Program:
    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class ChildGroup(subprocess.Popen[bytes]):
    """A program and all it starts, out of reach of Ctrl-C.

    On Linux, the program dies with its parent.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(
            program.argv,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_tie_to_parent(),  # safe without threads
        )
        assert self.stdout is not None  # noqa: S101 - for mypy
        self.output = self.stdout
        os.set_blocking(self.output.fileno(), False)

    def read(self) -> bytes | None:
        """Return b"" at the end, None if there is nothing now."""
        try:
            return os.read(self.output.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return None

    def kill(self) -> None:
        # macOS reports an empty group as a PermissionError.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def describe_end(code: int) -> str:
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _tie_to_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != parent:  # it died before prctl took effect
            os._exit(1)

    return tie
