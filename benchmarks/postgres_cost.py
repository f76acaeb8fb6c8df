"""What PostgreSQL spent: processor time, of all its processes, and WAL."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

PROC = Path("/proc")
NANOSECONDS = 1e9


class Server:
    """The PostgreSQL server at the other end of a connection, on this machine."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        backend = int(self._ask("SELECT pg_backend_pid()"))
        self._postmaster = _parent(backend)

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that its processor time can be read."""
        return self._postmaster is not None

    def cpu_seconds(self) -> float:
        """Return what its processes have spent so far; those that have ended, to 10 ms."""
        if self._postmaster is None:
            return float("nan")
        ended = _stat(self._postmaster)[13:15]  # of its children that it has waited for
        ticks = sum(int(number) for number in ended)
        return sum(self._running()) + ticks / os.sysconf("SC_CLK_TCK")

    def wal_bytes(self) -> int:
        """Return how much WAL it has written so far."""
        return int(self._ask("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def _ask(self, sql: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def _running(self) -> Iterator[float]:
        for folder in PROC.glob("[0-9]*"):
            pid = int(folder.name)
            with suppress(OSError):
                if self._postmaster in {pid, _parent(pid)}:
                    yield int((folder / "schedstat").read_text().split()[0]) / NANOSECONDS


def _parent(pid: int) -> int | None:
    try:
        return int(_stat(pid)[1])
    except OSError:
        return None


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on, which is the state."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
