"""Builds the image of a generated folder."""

import shlex
import shutil
import subprocess
from pathlib import Path


class BuildError(Exception):
    """No image was built; the message says why."""


def build_command(name: str, folder: Path) -> list[str]:
    # Absolute: a folder may be called "-f".
    return ["docker", "build", "--tag", name, str(folder.absolute())]


def require_docker() -> None:
    """Raises BuildError."""
    if shutil.which("docker") is None:
        raise BuildError(
            "there is no command docker on the PATH; install Docker, or leave --build out"
        )


def build_image(name: str, folder: Path) -> None:
    """Docker's output goes to the terminal. Raises BuildError."""
    command = build_command(name, folder)
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        raise BuildError(f"docker cannot be run: {error.strerror or error}") from error
    if code != 0:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise BuildError(
            f"docker build failed ({how}); its output is above. The folder is written: after "
            f"fixing the cause, try again with: {shlex.join(command)}"
        )
