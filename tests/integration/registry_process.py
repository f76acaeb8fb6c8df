"""A whole registry, run by ``manage.py start_registry``."""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests import plain_http
from tests.processes import ServerProcess, descendants, wait_until

QUIET_PORTS = (10_000, 30_000)
PROJECT = Path(__file__).parents[2]
MANAGE = [sys.executable, str(PROJECT / "manage.py")]
# Variables that would lead the registry to another database or other settings.
FOREIGN_SETTINGS = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True)
class RegistryProcess(ServerProcess):
    """A running ``manage.py start_registry``."""

    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        try:
            answer = plain_http.get(f"{self.url}/health/ready", timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return self.is_ready()

        wait_until(ready, "200 on /health/ready")

    def agent(self, agent_id: str) -> dict[str, Any] | None:
        """Return the record of an agent, or None if there is none."""
        answer = plain_http.get(f"{self.url}/agents/{agent_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        record: dict[str, Any] = answer.raise_for_status().json()
        return record

    def listed(self) -> dict[str, dict[str, Any]]:
        """Return the listed agents, that is those alive, by id."""
        answer = plain_http.get(f"{self.url}/agents", params={"limit": 10_000})
        answer.raise_for_status()
        assert "next" not in answer.links
        return {agent["agent_id"]: agent for agent in answer.json()}

    def programs(self) -> dict[str, int]:
        """Return the process ids of the running programs by name; for web, gunicorn's master."""
        found = {}
        for pid, arguments in sorted(descendants(self.process.pid).items(), reverse=True):
            for name, sign in (("web", "gunicorn"), ("worker", " worker "), ("beat", " beat ")):
                if sign in arguments:
                    found[name] = pid
        return found


def environment_for(folder: Path, **settings: str) -> dict[str, str]:
    """Return an environment in which the registry writes only into `folder`.

    It is in open mode unless `settings` say otherwise.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    ours = {
        "REGISTRY_VAR_DIR": str(folder / "var"),
        "REGISTRY_AUTH": "open",
        "STATIC_ROOT": static_files().name,  # each start would collect its own
    }
    return inherited | ours | settings


@cache
def static_files() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for the static files of all registries of this process."""
    return tempfile.TemporaryDirectory(prefix="registry-static-")


def migrate(environment: Mapping[str, str]) -> None:
    """Migrate the registry's database; on SQLite, copy one that is already migrated."""
    if "DATABASE_URL" in environment:
        subprocess.run([*MANAGE, "migrate", "--verbosity=0"], env=dict(environment), check=True)
        return
    folder = Path(environment["REGISTRY_VAR_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.sqlite3").write_bytes(migrated_database())


@cache
def migrated_database() -> bytes:
    """Return the content of a migrated SQLite database file."""
    with tempfile.TemporaryDirectory(prefix="registry-migrated-") as name:
        environment = environment_for(Path(name))
        subprocess.run([*MANAGE, "migrate", "--verbosity=0"], env=environment, check=True)
        file = Path(environment["REGISTRY_VAR_DIR"]) / "registry.sqlite3"
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # merges the WAL into the file
        return file.read_bytes()


def free_port() -> int:
    """Return a free port outside the range of ephemeral ports.

    An ephemeral port could be taken while a server restarts, even by the client that waits for it,
    which would then connect to itself.
    """
    while True:
        port = random.randrange(*QUIET_PORTS)  # noqa: S311 - not for security
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def ready_registry(
    folder: Path,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[RegistryProcess]:
    """Migrate the database, run start_registry, and wait until it is ready."""
    migrate(environment)
    with started_registry(folder, environment, arguments, port=port) as registry:
        registry.wait_until_ready()
        yield registry


@contextmanager
def started_registry(
    folder: Path,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
    starter: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[RegistryProcess]:
    """Run start_registry, with `folder` as the working directory, and kill it at the end.

    `starter` is a command that runs the command after it. The default port is a free one.
    """
    port = port or free_port()
    log = folder / "registry.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*starter, *MANAGE, "start_registry", "--host=127.0.0.1", f"--port={port}", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield RegistryProcess(process, port, log)
    finally:
        left = descendants(process.pid)
        process.kill()
        process.wait()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
