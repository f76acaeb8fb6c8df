"""What the fleet costs its registry: processor time, and the database's log."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.cpu_time import cpu_seconds


@dataclass(frozen=True)
class Costs:
    """What was used in all. None: it was not measured."""

    server: float | None
    database: float | None
    client: float
    wal: int | None


@dataclass(frozen=True)
class Meter:
    """What to look at: ids of processes, with all that they have started; PostgreSQL's URL."""

    server: Sequence[int] = ()
    database: Sequence[int] = ()
    database_url: str | None = None

    def read(self) -> Costs:
        """Return what has been used so far: seconds of a processor, and bytes."""
        return Costs(
            server=_seconds(self.server),
            database=_seconds(self.database),
            client=time.process_time(),
            wal=None if self.database_url is None else _wal_bytes(self.database_url),
        )


def between(before: Costs, after: Costs) -> Costs:
    """Return what was used between two readings of the same meter."""
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
