"""How much memory this process may use."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def available_memory(root: Path = ROOT) -> int:
    """Return the machine's memory in bytes, or the lowest limit of a control group, if less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """Yield the limits of the process' control groups and of those above them.

    https://docs.kernel.org/admin-guide/cgroup-v2.html; in version 1, each controller has a tree.
    """
    for file in _files(root):
        try:
            yield int(file.read_text())
        except (OSError, ValueError):  # not there, or "max"
            continue


def _files(root: Path) -> Iterator[Path]:
    mounted = root / "sys/fs/cgroup"
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        names = ("memory.limit_in_bytes",) if controllers else ("memory.max", "memory.high")
        tree = mounted / "memory" if controllers else mounted
        # A container may see the path on its host, but finds its own group at the top.
        folder = Path(path.lstrip("/"))
        for above in (folder, *folder.parents):
            yield from (tree / above / name for name in names)
