"""The folder in which a web server's processes share their counters.

Locked while one of them lives, since servers may share a volume.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "registry-metrics-"
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_counters(parents: Sequence[Path]) -> None:
    """Call it before metrics are created."""
    # Ours was set by the server that this one replaces (SIGUSR2).
    if Path(os.environ.get(VARIABLE, PREFIX)).name.startswith(PREFIX):
        os.environ[VARIABLE] = str(open_metrics_folder(parents))


def open_metrics_folder(parents: Sequence[Path]) -> Path:
    parent = next(path for path in parents if os.access(path, os.W_OK))
    # A server that starts meanwhile must not remove the new folder.
    with _opened(parent.resolve()) as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        for leftover in parent.glob(f"{PREFIX}*"):
            with suppress(OSError), _opened(leftover) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(leftover)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Never closed: the lock ends with the last process that has it.
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    return folder


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
