"""Pins servers to one core and the client to another."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager


def two_cores() -> tuple[int, int]:
    """Return the server's core and the client's; they are the same if there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[1 if len(cores) > 1 else 0]


def on_core(core: int) -> AbstractContextManager[None]:
    """Run the body on one core; processes started in it stay there."""
    return _on({core})


def on_any_core() -> AbstractContextManager[None]:
    """Run the body on all cores, even within `on_core`."""
    return _on(range(os.cpu_count() or 1))


@contextmanager
def _on(cores: Iterable[int]) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
