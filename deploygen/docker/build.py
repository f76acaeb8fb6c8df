import io
import json
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.docker.secrets import missing_secrets, secret_options
from deploygen.docker.source import Source
from deploygen.spec.model import AgentSpec

# In the image, where image/sbom.py writes it.
BILL = "/sbom.cdx.json"
OF_PYPI = "pkg:pypi/"


class BuildError(Exception):
    pass


def build_command(spec: AgentSpec, folder: Path, source: Source | None = None) -> list[str]:
    labels = source.labels.items() if source else ()
    label_options = [part for key, value in labels for part in ("--label", f"{key}={value}")]
    # Absolute: a folder may be called "-f".
    where = str(folder.absolute())
    return ["docker", "build", *secret_options(spec), *label_options, "--tag", spec.name, where]


def build_environment(spec: AgentSpec, source: Source | None = None) -> dict[str, str]:
    """Older Dockers use BuildKit only if a variable says so."""
    buildkit = {"DOCKER_BUILDKIT": "1"} if spec.needs_buildkit else {}
    return buildkit | (source.environment if source else {})


def command_line(command: Sequence[str], environment: Mapping[str, str]) -> str:
    return shlex.join([*(f"{name}={value}" for name, value in environment.items()), *command])


def require_docker(spec: AgentSpec) -> None:
    """Raises BuildError unless this machine has what a build needs."""
    if shutil.which("docker") is None:
        raise BuildError(
            "there is no command docker on the PATH; install Docker, or leave --build out"
        )
    if missing := list(missing_secrets(spec)):
        raise BuildError(f"the build needs secrets. Set {', and '.join(missing)}")


def build_image(spec: AgentSpec, folder: Path, source: Source | None = None) -> None:
    """Raises BuildError."""
    command = build_command(spec, folder, source)
    own = build_environment(spec, source)
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


def versions_in(image: str) -> dict[str, str]:
    """Return the versions of an image's Python packages by name, from its bill of materials.

    Empty if the image is not on this machine.
    """
    container = _docker("create", image).decode().strip()
    archive = _docker("cp", f"{container}:{BILL}", "-")
    _docker("rm", container)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            bill = files.extractfile(Path(BILL).name)
            components = json.load(bill)["components"] if bill else []
    except tarfile.TarError:
        return {}
    return {
        canonicalize_name(each["name"]): each["version"]
        for each in components
        if each.get("purl", "").startswith(OF_PYPI)
    }


def _docker(*arguments: str) -> bytes:
    command = ["docker", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""
