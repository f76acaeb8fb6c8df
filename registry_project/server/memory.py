import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def available_memory(root: Path = ROOT) -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """https://docs.kernel.org/admin-guide/cgroup-v2.html; in version 1, controllers have trees."""
    for file in _files(root):
        try:
            yield int(file.read_text())
        except (OSError, ValueError):
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
        # In a container, this may be the path on its host.
        folder = Path(path.lstrip("/"))
        for above in (folder, *folder.parents):
            yield from (tree / above / name for name in names)
