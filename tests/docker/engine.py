"""A Docker engine, used through the docker command; containers share the host's network."""

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import wait_until

HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
SLOW_SECONDS = 600
CHUNK_BYTES = 1 << 20
PROJECT = Path(__file__).parents[2]
# Another copy of the project may be tested at the same time with the same engine.
COPY = f"{zlib.crc32(str(PROJECT).encode()):08x}"
# What `gzip -6` writes.
GZIP_LEVEL = 6
GZIP_FORMAT = 31


class DockerError(Exception):
    """Docker refused or failed; the message has its output."""


def image_name(name: str) -> str:
    """Return the name of an image for the tests of this copy of the project."""
    return f"agent-test-{name}-{COPY}"


def docker(
    *arguments: str,
    seconds: float = SLOW_SECONDS,
    legacy: bool | None = None,
    program: str = "docker",
) -> str:
    """Run a docker command and return its output. Raises DockerError.

    `legacy` chooses the builder; None means the machine's default.
    """
    environment = dict(os.environ)
    if legacy is not None:
        environment["DOCKER_BUILDKIT"] = "0" if legacy else "1"
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DockerError(f"docker {arguments[0]}: {error}") from error
    if done.returncode != 0:
        raise DockerError(f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def answers() -> bool:
    """Return whether there is an engine that this user may use."""
    try:
        docker("version", "--format={{.Server.Version}}", seconds=20)
    except DockerError:
        return False
    return True


def has_buildkit(program: str = "docker") -> bool:
    """Return whether BuildKit is available; newer docker commands need a plugin for it."""
    try:
        return "--secret" in docker("build", "--help", legacy=False, program=program)
    except DockerError:
        return False


def program_with_buildkit() -> str | None:
    """Return the first docker on the PATH that can build by BuildKit."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    programs = [path for folder in folders if (path := shutil.which("docker", path=folder))]
    return next(filter(has_buildkit, programs), None)


def has_image(image: str) -> bool:
    return bool(docker("images", "--quiet", image))


def build(
    folder: Path,
    image: str,
    *,
    base: str,
    legacy: bool | None = None,
    program: str = "docker",
    seconds: float = SLOW_SECONDS,
) -> None:
    """Build a generated folder on the base image `base`, with the host's network for pip."""
    if legacy is None:
        legacy = not has_buildkit()
    docker(
        "build",
        "--network=host",
        f"--build-arg=PYTHON_IMAGE={base}",
        f"--tag={image}",
        str(folder),
        legacy=legacy,
        program=program,
        seconds=seconds,
    )


def export_stream(image: str) -> Iterator[bytes]:
    """Yield the file system of an image, as a tar, in chunks."""
    container = docker("create", image)
    try:
        yield from _streamed("export", container)
    finally:
        docker("rm", "--force", container)


def save_stream(image: str) -> Iterator[bytes]:
    """Yield an image with its layers and configuration, as a tar, in chunks."""
    yield from _streamed("save", image)


def _streamed(*arguments: str) -> Iterator[bytes]:
    command = ["docker", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(CHUNK_BYTES):
            yield chunk
    if process.returncode != 0:
        raise DockerError(f"docker {arguments[0]}: exit code {process.returncode}")


def sizes(image: str) -> tuple[int, int]:
    """Return the sizes in bytes of an image's file system as a tar, plain and gzipped."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_FORMAT)
    plain = gzipped = 0
    for chunk in export_stream(image):
        plain += len(chunk)
        gzipped += len(compressor.compress(chunk))
    return plain, gzipped + len(compressor.flush())


def layers(image: str) -> list[str]:
    """Return the digests of an image's layers, the lowest first."""
    found: list[str] = json.loads(docker("inspect", "--format={{json .RootFS.Layers}}", image))
    return found


def bytes_to_push(image: str, present: Collection[str]) -> int:
    """Return the size, gzipped, of an image's configuration and layers that are not `present`."""
    with tempfile.TemporaryFile() as file:
        for chunk in save_stream(image):
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            [about] = json.loads(_member(archive, "manifest.json"))
            pairs = zip(layers(image), about["Layers"], strict=True)
            new = [name for digest, name in pairs if digest not in present]
            return sum(
                len(gzip.compress(_member(archive, name), GZIP_LEVEL))
                for name in (about["Config"], *new)
            )


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


@dataclass(frozen=True)
class Container:
    id: str
    name: str

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(docker("inspect", "--format={{json .State}}", self.id))
        return state

    def health(self) -> str:
        health: str = self.state()["Health"]["Status"]
        return health

    def wait_until_healthy(self) -> None:
        def is_healthy() -> bool:
            assert self.state()["Running"], self.logs()
            return self.health() == "healthy"

        wait_until(is_healthy, f"a healthy container: {self.name}")

    def logs(self) -> str:
        """Return the output of the container, stderr included."""
        done = subprocess.run(
            ["docker", "logs", self.id],  # noqa: S607 - wherever this system has it
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout

    def python(self, code: str) -> str:
        """Run code with the container's Python, and return its output."""
        return docker("exec", self.id, "python", "-c", code)

    def kill(self) -> None:
        docker("kill", self.id)

    def stop(self) -> float:
        """Stop it by `docker stop`, and return the seconds that took."""
        begin = time.monotonic()
        docker("stop", self.id)
        return time.monotonic() - begin


@contextmanager
def running(
    image: str,
    name: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
) -> Iterator[Container]:
    """Run a hardened container on the host's network; remove it at the end."""
    variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    container = docker(
        "run",
        "--detach",
        f"--name={name}",
        "--network=host",
        "--health-interval=1s",
        *HARDENED,
        *options,
        *variables,
        image,
        *command,
    )
    try:
        yield Container(container, name)
    finally:
        docker("rm", "--force", "--volumes", container)
