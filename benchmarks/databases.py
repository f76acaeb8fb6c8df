"""Starts a PostgreSQL with default settings: it flushes to disk before it acknowledges."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import Missing
from tests.integration.postgres_cluster import PostgresCluster, find_programs

# initdb's default; the tests use smaller segments.
WAL_SEGMENT_MEGABYTES = 16


@contextmanager
def running_postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield its URL and process id. Raises Missing."""
    programs = find_programs()
    if programs is None:
        raise Missing("PostgreSQL is not installed (Debian, Ubuntu: apt install postgresql)")
    home = folder / "postgresql"
    home.mkdir()
    cluster = PostgresCluster(programs, home, wal_segment_megabytes=WAL_SEGMENT_MEGABYTES)
    try:
        cluster.start()
        yield cluster.url, cluster.pid
    finally:
        cluster.kill()
