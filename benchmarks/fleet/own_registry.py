"""Starts a registry for one run, as in production: database, broker, web, worker and beat."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.databases import running_postgresql
from benchmarks.fleet.costs import Meter
from benchmarks.programs import LOCAL, running
from tests.integration.registry_process import (
    MANAGE,
    environment_for,
    free_port,
    ready_registry,
)


@dataclass(frozen=True)
class OwnRegistry:
    url: str
    token: str
    meter: Meter
    environment: Mapping[str, str]


POSTGRESQL, SQLITE = "postgresql", "sqlite"


@contextmanager
def own_registry(
    workers: int | None = None,
    *,
    database: str = POSTGRESQL,
    options: Sequence[str] = (),
    **more: str,
) -> Iterator[OwnRegistry]:
    """Run it in token mode, on PostgreSQL and Redis, or as on one machine, on SQLite and a folder.

    `workers`: web processes, by default one per processor, on SQLite one. `options`: of
    PostgreSQL. `more`: further settings.

    Without Redis the broker is a folder. Raises Missing without PostgreSQL.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-fleet-")))
        folder.chmod(0o755)  # PostgreSQL may run as another user
        settings = {"REGISTRY_AUTH": "token", **more}
        url, pids, processes = None, [], 1
        if database == POSTGRESQL:
            url, pid = stack.enter_context(running_postgresql(folder, options))
            settings["DATABASE_URL"] = url
            pids, processes = [pid], os.cpu_count() or 1
            if (redis := _redis(stack, folder)) is not None:
                settings["CELERY_BROKER_URL"] = redis
        environment = environment_for(folder, **settings)
        registry = stack.enter_context(
            ready_registry(folder, environment, [f"--workers={workers or processes}"])
        )
        token = subprocess.run(
            [*MANAGE, "issue_token", "--read", "--quiet"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        meter = Meter([registry.process.pid], pids, url)
        yield OwnRegistry(registry.url, token, meter, environment)


def _redis(stack: ExitStack, folder: Path) -> str | None:
    program = shutil.which("redis-server")
    if program is None:
        return None
    port = free_port()
    argv = [program, "--bind", LOCAL, "--port", str(port), "--dir", str(folder)]
    argv += ["--save", "", "--appendonly", "no"]
    stack.enter_context(running("redis", argv, port=port, folder=folder))
    return f"redis://{LOCAL}:{port}/0"
