"""Where the processes of a web server put what they count, so that each can tell the sum.

There is a folder for each server, since two may share a machine or a volume. It is locked for as
long as one of the server's processes lives; one that nobody has locked is left over.
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
    """Let all processes that this one will fork off count together, unless they do already.

    It has to be called before metrics are made. `parents`: where the folder may be, best first.
    """
    # One of ours is of the server which this one replaces.
    if Path(os.environ.get(VARIABLE, PREFIX)).name.startswith(PREFIX):
        os.environ[VARIABLE] = str(open_metrics_folder(parents))


def open_metrics_folder(parents: Sequence[Path]) -> Path:
    """Make a folder in the first of `parents` that can be written to; return it.

    It belongs to this process and those that it forks off. What servers that have ended, in
    whatever way, left there is removed.
    """
    parent = next(path for path in parents if os.access(path, os.W_OK))
    # Of two servers that start at once, neither may take the other's new folder for a leftover.
    with _opened(parent.resolve()) as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        for leftover in parent.glob(f"{PREFIX}*"):
            with suppress(OSError), _opened(leftover) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(leftover)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Open for as long as one of the processes lives: the lock is the descriptor's.
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    return folder


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
