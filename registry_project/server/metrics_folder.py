"""The folder in which a web server's processes share what they count.

Two servers may share a volume. So each has its own folder, locked while one of its processes lives.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "registry-metrics-"
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's


def share_counters(parents: Sequence[Path]) -> None:
    """Count together with all forks of this process. Call it before metrics are made."""
    # A folder of ours in it belongs to the server that this one replaces (SIGUSR2).
    if Path(os.environ.get(VARIABLE, PREFIX)).name.startswith(PREFIX):
        os.environ[VARIABLE] = str(open_metrics_folder(parents))


def open_metrics_folder(parents: Sequence[Path]) -> Path:
    """Make a folder in the first writable one of `parents`, and remove leftovers there."""
    parent = next(path for path in parents if os.access(path, os.W_OK))
    # A server that starts meanwhile must not take the new folder for a leftover.
    with _opened(parent.resolve()) as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        for leftover in parent.glob(f"{PREFIX}*"):
            with suppress(OSError), _opened(leftover) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(leftover)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Never closed: the lock ends with the last process that has the descriptor.
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    return folder


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
