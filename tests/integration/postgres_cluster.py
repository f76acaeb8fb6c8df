"""A PostgreSQL of the tests' own: a cluster in a temporary folder, to be killed and started."""

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

# Where Debian has the programs that it does not put on the PATH.
DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path | None:
    """Return the folder with initdb and postgres, None when they are not installed."""
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
    """A cluster in `folder`, on a port of its own; it is not started yet.

    `disk` is where it keeps all that it writes but its log, if not there too; `options` are those
    of the server.
    """

    def __init__(
        self,
        programs: Path,
        folder: Path,
        disk: Path | None = None,
        options: Sequence[str] = (),
        wal_segment_megabytes: int = 1,  # all that a quiet one takes
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
                *(programs / "initdb", f"--pgdata={self._cluster}", "--username=registry"),
                *("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"),
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
        """Start the server, after whatever end it had; return when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self._cluster, "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", f"unix_socket_directories={self._folder}"),
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
        """Kill the server with all its processes, as a failing machine does."""
        if self._process is None:
            return
        pids = self.freeze()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # While one of them is left, its memory keeps the next server from starting.
        wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of PostgreSQL")

    def stop_at_once(self) -> None:
        """Stop it as ``pg_ctl stop -m immediate`` does: it recovers when it starts again."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        self._process = None

    def freeze(self) -> list[int]:
        """Let all its processes stand still; return their ids."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)  # it starts no process that we do not see
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
        """The process that has started all others of the server."""
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
    """Give a cluster that runs, and leave nothing of it.

    Its folder is not one of pytest's, into which only the user who runs the tests may look.
    """
    with tempfile.TemporaryDirectory(prefix="registry-postgres-") as folder:
        cluster = PostgresCluster(programs, Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()
