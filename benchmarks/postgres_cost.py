"""What PostgreSQL spent: processor time, of all its processes, and WAL."""

from typing import Any

from benchmarks.cpu_time import cpu_seconds, name_and_parent

NAME = "postgres"


class Server:
    """The PostgreSQL server at the other end of a connection, on this machine."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        name, parent = name_and_parent(int(self._ask("SELECT pg_backend_pid()")))
        self._postmaster = parent if name == NAME else None

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that its processor time can be read."""
        return self._postmaster is not None

    def cpu_seconds(self) -> float:
        """Return what its processes have spent so far; those that have ended, to 10 ms."""
        return float("nan") if self._postmaster is None else cpu_seconds([self._postmaster])

    def wal_bytes(self) -> int:
        """Return how much WAL it has written so far."""
        return int(self._ask("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def _ask(self, sql: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
