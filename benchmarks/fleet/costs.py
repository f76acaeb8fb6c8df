"""The CPU time and WAL that a fleet costs its registry."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.cpu_time import cpu_seconds


@dataclass(frozen=True)
class Costs:
    """CPU seconds, and bytes of WAL. None: not measured."""

    server: float | None
    database: float | None
    client: float
    wal: int | None


@dataclass(frozen=True)
class Meter:
    """Measures processes, by id and with their descendants, and PostgreSQL's WAL."""

    server: Sequence[int] = ()
    database: Sequence[int] = ()
    database_url: str | None = None

    def read(self) -> Costs:
        return Costs(
            server=_seconds(self.server),
            database=_seconds(self.database),
            client=time.process_time(),
            wal=None if self.database_url is None else _wal_bytes(self.database_url),
        )


def between(before: Costs, after: Costs) -> Costs:
    return Costs(
        server=_difference(before.server, after.server),
        database=_difference(before.database, after.database),
        client=after.client - before.client,
        wal=None if before.wal is None or after.wal is None else after.wal - before.wal,
    )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _seconds(processes: Sequence[int]) -> float | None:
    return cpu_seconds(processes) if processes else None


def _wal_bytes(url: str) -> int:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0
