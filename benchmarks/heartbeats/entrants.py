"""Starts the contestants that take part in a run."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cores import on_core
from benchmarks.heartbeats.contestants import SETUPS, Contestant, Workspace
from benchmarks.programs import Missing


def enter_all(
    stack: ExitStack,
    names: Iterable[str],
    workspace_in: Callable[[Path], Workspace],
    server_core: int,
) -> list[Contestant]:
    """Start the contestants of the setups; the stack stops them. Leave out those not installed."""
    contestants: list[Contestant] = []
    # Readable by all, since PostgreSQL may run as another user.
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="registry-bench-")))
    folder.chmod(0o755)
    for name in names:
        own = folder / name
        own.mkdir()
        try:
            with on_core(server_core):
                contestants += stack.enter_context(SETUPS[name](workspace_in(own)))
        except Missing as error:
            print(f"Left out: {name}, {error}", flush=True)
    return contestants
