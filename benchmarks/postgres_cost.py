"""CPU time and WAL of a PostgreSQL server."""

from typing import Any

from benchmarks.cpu_time import cpu_seconds, name_and_parent

NAME = "postgres"


class Server:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        name, parent = name_and_parent(int(self._query("SELECT pg_backend_pid()")))
        self._postmaster = parent if name == NAME else None

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, so that its CPU time can be read."""
        return self._postmaster is not None

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes, ended ones with a resolution of 10 ms."""
        return float("nan") if self._postmaster is None else cpu_seconds([self._postmaster])

    def wal_bytes(self) -> int:
        return int(self._query("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def _query(self, sql: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
