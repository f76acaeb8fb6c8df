"""Pins servers to one core and the client to another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def two_cores() -> tuple[int, int]:
    """Return the server's core and the client's; they are the same if there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[1 if len(cores) > 1 else 0]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run the body on one core; processes started in it stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
