"""docs/first-agent.md: its commands, in their order, with their output."""

import doctest
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker import engine
from tests.docker.engine import docker
from tests.integration.registry_process import PROJECT
from tests.processes import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("docker"),
]

PAGE = PROJECT / "docs" / "first-agent.md"
IMAGE = "word-counter"
PORTS = (9000, 8000)
STEP = re.compile(
    r"(?m)^```sh(?P<terminal> terminal)?\n(?P<command>(?:.*\n)*?)```$"
    r"(?:\s+```text\n(?P<output>(?:.*\n)*?)```$)?"
    r"|Press Ctrl-C"
)
# At most, with packages to install on a machine with other work.
SECONDS = 300
NOT_COPIED = (".git", ".venv", "var", "word-counter", "__pycache__", ".*_cache", ".coverage*")
# The settings of these tests, which a reader does not have.
OWN_SETTINGS = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "PORT", "HOST")
# As all tests of containers: on their base image, and with the machine's network.
DOCKER = """\
#!/bin/sh
if [ "$1" = build ]; then
    shift
    set -- build --network=host --build-arg=PYTHON_IMAGE={base} "$@"
fi
exec {program} "$@"
"""


@dataclass(frozen=True)
class Reader:
    """Types the commands, in a copy of the project."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def wait_for_output(self, command: str, expected: str) -> None:
        """Run a command, again while it fails or its output is another one."""
        last = ""

        def is_there() -> bool:
            nonlocal last
            try:
                last = self.run(command)
            except AssertionError as error:
                last = str(error)
            return is_like(expected, last)

        try:
            wait_until(is_there, f"the output of {command}", SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\nThe last output: {last}") from error

    @contextmanager
    def terminal(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command that goes on until Ctrl-C, as leader of a group of processes."""
        with subprocess.Popen(
            ["/bin/sh", "-ec", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    press_ctrl_c(process)


def press_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    process.wait(60)


def is_like(expected: str, output: str) -> bool:
    """Whether the output is as the page has it, where "..." is any text."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, output.strip() + "\n", options)


@pytest.fixture
def reader(base: str, tmp_path: Path) -> Reader:
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    # `make run` would install what these tests run with.
    environment = folder / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith("."):
            (environment / part.name).symlink_to(part)
    (environment / ".created").touch()
    (environment / ".installed").touch()

    programs = tmp_path / "bin"
    programs.mkdir()
    program = shlex.quote(shutil.which("docker") or "docker")
    (programs / "docker").write_text(DOCKER.format(base=base, program=program))
    (programs / "docker").chmod(0o755)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in OWN_SETTINGS and not name.startswith(("REGISTRY_", "AGENT_", "MAKE"))
    }
    buildkit = "1" if engine.has_buildkit() else "0"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return Reader(folder, {**inherited, "PATH": path, "DOCKER_BUILDKIT": buildkit})


@pytest.fixture
def _leaves_nothing(docker_engine: None) -> Iterator[None]:
    for port in PORTS:
        with socket.create_server(("127.0.0.1", port)):  # fails if another program has it
            pass
    yield
    for container in docker("ps", "--quiet", f"--filter=ancestor={IMAGE}").split():
        docker("rm", "--force", container)
    if engine.has_image(IMAGE):
        docker("image", "rm", "--force", IMAGE)


@pytest.mark.usefixtures("_leaves_nothing")
def test_the_page_leads_to_a_container_in_the_registry(reader: Reader) -> None:
    with ExitStack() as stack:
        terminals: list[subprocess.Popen[bytes]] = []
        for step in STEP.finditer(PAGE.read_text()):
            command, output = step["command"], step["output"]
            if command is None:
                press_ctrl_c(terminals.pop())
            elif step["terminal"]:
                terminals.append(stack.enter_context(reader.terminal(command)))
            elif output is None:
                reader.run(command)
            else:
                reader.wait_for_output(command, output)
        assert len(terminals) == 1, "only the registry still runs"
        assert terminals[0].poll() is None
