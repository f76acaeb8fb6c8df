"""What processes have used of the processor, to the nanosecond. Linux only."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

CPUCLOCK_SCHED = 2  # <linux/posix-timers.h>: the time that the scheduler gave a process
NANOSECONDS = 1_000_000_000
TICK_NANOSECONDS = NANOSECONDS // os.sysconf("SC_CLK_TCK")
# In /proc/PID/stat, counted from the one after the name, which may have spaces in it.
PARENT, CHILDREN_USER, CHILDREN_SYSTEM = 1, 13, 14


def cpu_nanoseconds(roots: Iterable[int]) -> int:
    """Return what the processes `roots`, and all that they started, have used so far.

    The difference of two readings is what was used in between, also by threads and processes that
    ended meanwhile: their time goes to the process that waited for them, in ticks.
    """
    return sum(_own(pid) + _of_ended_children(pid) for pid in family(roots))


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the same in seconds."""
    return cpu_nanoseconds(roots) / NANOSECONDS


def name_and_parent(pid: int) -> tuple[str, int | None]:
    """Return the name of a process, and the id of its parent; none of one that is not here."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "", None
    return name, _parents().get(pid)


def family(roots: Iterable[int]) -> set[int]:
    """Return the ids of the processes `roots` and of what they started, and that started."""
    parents = _parents()
    found = {pid for pid in roots if pid in parents}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parents() -> dict[int, int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return {pid: int(fields[PARENT]) for pid in pids if (fields := _stat(pid))}


def _own(pid: int) -> int:
    # The sum of all /proc/PID/task/*/schedstat and of the threads that have ended, by one call
    # (clock_getcpuclockid(3); Python has it for threads only).
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
