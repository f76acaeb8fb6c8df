"""A PostgreSQL cluster in a temporary folder, which tests can kill, freeze and start again."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.integration.registry_process import free_port
from tests.processes import descendants, is_running, wait_until

# Debian keeps PostgreSQL's programs here, outside the PATH.
DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path | None:
    """Return the folder with initdb and postgres, or None if they are not installed."""
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    if (initdb := shutil.which("initdb")) is not None:
        folders.insert(0, Path(initdb).parent)
    with suppress(OSError, subprocess.CalledProcessError):
        answer = subprocess.run(
            ["pg_config", "--bindir"],  # noqa: S607 - wherever this system has it
            capture_output=True,
            text=True,
            check=True,
        )
        folders.insert(0, Path(answer.stdout.strip()))
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class PostgresCluster:
    """A cluster in `folder` on a free port, not started yet.

    `disk` is the folder for its data, if different; the log stays in `folder`. `options` are
    passed to the server.
    """

    def __init__(
        self,
        programs: Path,
        folder: Path,
        disk: Path | None = None,
        options: Sequence[str] = (),
        wal_segment_megabytes: int = 1,  # enough for a quiet cluster
    ) -> None:
        self.port = free_port()
        self._programs = programs
        self._folder = folder
        self._cluster = (disk or folder) / "cluster"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL does not run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            for own in {folder, disk or folder}:
                shutil.chown(own, self._user, self._user)
        subprocess.run(
            [
                programs / "initdb",
                f"--pgdata={self._cluster}",
                "--username=registry",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                f"--wal-segsize={wal_segment_megabytes}",
            ],
            cwd=folder,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    @property
    def url(self) -> str:
        return f"postgres://registry@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, even after a crash; return when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    "-D",
                    self._cluster,
                    "-p",
                    str(self.port),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    f"unix_socket_directories={self._folder}",
                    *self._options,
                ],
                cwd=self._folder,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "an answer of PostgreSQL")

    def kill(self) -> None:
        """Kill all processes of the server, like a power failure."""
        if self._process is None:
            return
        pids = self.freeze()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # Shared memory of a remaining process would prevent the next start.
        wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of PostgreSQL")

    def stop_at_once(self) -> None:
        """Stop it like ``pg_ctl stop -m immediate``: the next start recovers."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        self._process = None

    def freeze(self) -> list[int]:
        """Stop all its processes by SIGSTOP; return their ids."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)  # first, so that it starts no further process
        pids = [self._process.pid, *descendants(self._process.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return pids

    def thaw(self) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *descendants(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The id of the server's main process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on its database: pg_dump, pg_restore, psql."""
        subprocess.run(
            [self._programs / program, "--dbname", self.url, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_cluster(programs: Path) -> Iterator[PostgresCluster]:
    """Run a cluster, and remove it afterwards.

    It cannot be in pytest's folders, which PostgreSQL's user may not read.
    """
    with tempfile.TemporaryDirectory(prefix="registry-postgres-") as folder:
        cluster = PostgresCluster(programs, Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()
