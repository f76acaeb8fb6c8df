"""CPU time of processes in nanoseconds. Linux only."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

CPUCLOCK_SCHED = 2  # <linux/posix-timers.h>: the time that the scheduler gave a process
NANOSECONDS = 1_000_000_000
TICK_NANOSECONDS = NANOSECONDS // os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the process name, which may contain spaces.
PARENT, CHILDREN_USER, CHILDREN_SYSTEM = 1, 13, 14


def cpu_nanoseconds(roots: Iterable[int]) -> int:
    """Return the CPU time used so far by `roots` and all their descendants.

    Includes ended processes: their time, in ticks, is added to the parent that waited for them.
    """
    return sum(_own(pid) + _of_ended_children(pid) for pid in family(roots))


def cpu_seconds(roots: Iterable[int]) -> float:
    return cpu_nanoseconds(roots) / NANOSECONDS


def name_and_parent(pid: int) -> tuple[str, int | None]:
    """Return a process's name and its parent's id; "" and None if it does not exist."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "", None
    return name, _parents().get(pid)


def family(roots: Iterable[int]) -> set[int]:
    parents = _parents()
    found = {pid for pid in roots if pid in parents}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parents() -> dict[int, int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return {pid: int(fields[PARENT]) for pid in pids if (fields := _stat(pid))}


def _own(pid: int) -> int:
    # The clock of clock_getcpuclockid(3), which Python offers for threads only. It includes
    # threads that have ended.
    try:
        return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED)
    except OSError:
        return 0


def _of_ended_children(pid: int) -> int:
    fields = _stat(pid)
    if not fields:
        return 0
    return (int(fields[CHILDREN_USER]) + int(fields[CHILDREN_SYSTEM])) * TICK_NANOSECONDS


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
