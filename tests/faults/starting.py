"""Starts and stops the test bed."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.bed import Bed, FleetSize
from tests.faults.machine import Clock, joined_network, small_disk
from tests.faults.programs import RedisServer
from tests.faults.watcher import Watcher
from tests.integration.postgres_cluster import PostgresCluster
from tests.integration.registry_process import PROJECT, environment_for, free_port

SWEEP_SECONDS = 2
# The cluster needs little of the small disk, and writes late, so that commits that were not made
# durable are lost when it is killed.
POSTGRES_OPTIONS = (
    "-c",
    "max_wal_size=16MB",
    "-c",
    "min_wal_size=2MB",
    "-c",
    "wal_recycle=off",
    "-c",
    "max_connections=60",
    "-c",
    "client_min_messages=warning",
    "-c",
    "wal_writer_delay=10s",
    "-c",
    "wal_writer_flush_after=1GB",
)


@contextmanager
def running_bed(
    postgres: Path, *, size: FleetSize | None = None, code: Path = PROJECT
) -> Iterator[Bed]:
    """Run a registry with `code` and a fleet; yield it once it has settled."""
    with ExitStack() as stack:
        bed = _prepared(stack, postgres, size or FleetSize(), code)
        bed.redis.start()
        bed.cluster.start()
        bed.manage("migrate", "--verbosity=0")
        bed.token = _token(bed)
        bed.start_programs()
        bed.wait_until_ready()
        bed.watcher = Watcher(bed.url, bed.headers)
        _start_fleets(bed)
        stack.enter_context(bed.watcher.watching())
        bed.settle()
        yield bed


def _prepared(stack: ExitStack, postgres: Path, size: FleetSize, code: Path) -> Bed:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-faults-")))
    folder.chmod(0o755)  # for PostgreSQL's user
    (disk := folder / "disk").mkdir()
    (server := folder / "server").mkdir()
    is_small = stack.enter_context(small_disk(disk))
    cluster = PostgresCluster(postgres, server, disk, POSTGRES_OPTIONS)
    stack.callback(cluster.kill)
    redis = RedisServer(free_port(), folder)
    stack.callback(redis.kill)
    bed = Bed(
        folder=folder,
        size=size,
        environment=_environment(folder, cluster.url, redis.url),
        cluster=cluster,
        redis=redis,
        clock=Clock(folder),
        network=stack.enter_context(joined_network()),
        disk=disk if is_small else None,
        port=free_port(),
        code=code,
    )
    stack.enter_context(bed.exit)
    return bed


def _environment(folder: Path, database: str, broker: str) -> dict[str, str]:
    return environment_for(folder) | {
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": broker,
        "SWEEP_INTERVAL_SECONDS": str(SWEEP_SECONDS),
        "SECRET_KEY": "only for the test bed, while it runs, and for nothing else",
        "ALLOWED_HOSTS": "*",
        "REGISTRY_AUTH": "open",
        "TERM": "dumb",
    }


def _token(bed: Bed) -> str:
    """Switch to token mode, unless the code has no tokens yet; return a token for the agents."""
    if not (bed.code / "agents" / "management" / "commands" / "issue_token.py").exists():
        return ""
    bed.environment["REGISTRY_AUTH"] = "token"
    return bed.manage("issue_token", "--name=faults", "--read", "--quiet").strip()


def _start_fleets(bed: Bed) -> None:
    size = bed.size
    bed.start_fleet(
        "main",
        size.steady,
        f"--mortal={size.mortal}",
        f"--rivals={size.rivals}",
        f"--newcomers={size.newcomers}",
    )
    bed.start_fleet("doomed", size.doomed)
    if bed.network is not None:
        bed.start_fleet("remote", size.remote, network=bed.network)
