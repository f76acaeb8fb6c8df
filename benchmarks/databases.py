"""Starts a PostgreSQL that flushes to disk before it acknowledges."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import Missing
from tests.integration.postgres_cluster import PostgresCluster, find_programs

# initdb's default; the tests use smaller segments.
WAL_SEGMENT_MEGABYTES = 16
# From docs/sizing.md, for more than 100,000 agents.
LARGE = ("-ccheckpoint_timeout=15min", "-cmax_wal_size=14GB", "-cshared_buffers=1GB")


@contextmanager
def running_postgresql(folder: Path, options: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
    """Yield its URL and process id. Raises Missing."""
    programs = find_programs()
    if programs is None:
        raise Missing("PostgreSQL is not installed (Debian, Ubuntu: apt install postgresql)")
    home = folder / "postgresql"
    home.mkdir()
    cluster = PostgresCluster(
        programs, home, options=options, wal_segment_megabytes=WAL_SEGMENT_MEGABYTES
    )
    try:
        cluster.start()
        yield cluster.url, cluster.pid
    finally:
        cluster.kill()
