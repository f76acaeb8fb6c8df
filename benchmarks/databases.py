"""A PostgreSQL for a benchmark, with its defaults: what is acknowledged is on the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import Missing
from tests.integration.postgres_cluster import PostgresCluster, find_programs

# What initdb takes by default; the tests' clusters are smaller.
WAL_SEGMENT_MEGABYTES = 16


@contextmanager
def running_postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """Give its URL and its process id. Raise Missing."""
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
