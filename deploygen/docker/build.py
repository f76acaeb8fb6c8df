import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploygen.docker.source import Source


class BuildError(Exception):
    pass


NETRC = "NETRC"  # where pip and curl look for credentials


def build_command(
    name: str, folder: Path, *, may_need_credentials: bool = False, source: Source | None = None
) -> list[str]:
    """With `may_need_credentials`, the build gets the file in NETRC as a secret."""
    secret = []
    if may_need_credentials and (netrc := os.environ.get(NETRC)):
        secret = ["--secret", f"id=netrc,src={Path(netrc).absolute()}"]
    labels = source.labels.items() if source else ()
    label_options = [part for key, value in labels for part in ("--label", f"{key}={value}")]
    # Absolute: a folder may be called "-f".
    return ["docker", "build", *secret, *label_options, "--tag", name, str(folder.absolute())]


def build_environment(
    *, may_need_credentials: bool, source: Source | None = None
) -> dict[str, str]:
    """Older Dockers use BuildKit only if a variable says so."""
    buildkit = {"DOCKER_BUILDKIT": "1"} if may_need_credentials else {}
    return buildkit | (source.environment if source else {})


def command_line(command: Sequence[str], environment: Mapping[str, str]) -> str:
    return shlex.join([*(f"{name}={value}" for name, value in environment.items()), *command])


def require_docker() -> None:
    """Raises BuildError."""
    if shutil.which("docker") is None:
        raise BuildError(
            "there is no command docker on the PATH; install Docker, or leave --build out"
        )


def build_image(
    name: str, folder: Path, *, may_need_credentials: bool = False, source: Source | None = None
) -> None:
    """Raises BuildError."""
    command = build_command(name, folder, may_need_credentials=may_need_credentials, source=source)
    own = build_environment(may_need_credentials=may_need_credentials, source=source)
    try:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, check=False, env={**os.environ, **own}
        ).returncode
    except OSError as error:
        raise BuildError(f"docker cannot be run: {error.strerror or error}") from error
    if code != 0:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise BuildError(
            f"docker build failed ({how}); its output is above. The folder is written: after "
            f"fixing the cause, try again with: {command_line(command, own)}"
        )
