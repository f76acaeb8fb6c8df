"""Starts a registry for one run, as in production: PostgreSQL, Redis, web, worker and beat."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
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


@contextmanager
def own_registry(workers: int | None = None, **more: str) -> Iterator[OwnRegistry]:
    """Run it in token mode. `workers`: web processes, by default one per processor.

    `more`: further settings.

    Without Redis the broker is a folder. Raises Missing without PostgreSQL.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-fleet-")))
        folder.chmod(0o755)  # PostgreSQL may run as another user
        url, database = stack.enter_context(running_postgresql(folder))
        settings = {"DATABASE_URL": url, "REGISTRY_AUTH": "token", **more}
        if (redis := _redis(stack, folder)) is not None:
            settings["CELERY_BROKER_URL"] = redis
        environment = environment_for(folder, **settings)
        registry = stack.enter_context(
            ready_registry(folder, environment, [f"--workers={workers or os.cpu_count() or 1}"])
        )
        token = subprocess.run(
            [*MANAGE, "issue_token", "--read", "--quiet"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        meter = Meter([registry.process.pid], [database], url)
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
