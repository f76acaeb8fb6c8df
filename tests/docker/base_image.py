"""The base image of the tests: the official one, or Debian's Python by debootstrap.

It is created once and kept by the engine; ``python -m tests.docker.base_image`` creates it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docker.engine import DockerError, docker, has_image

IMAGE = "agent-base:local"
OFFICIAL = "python:3.13-slim"
PULL_SECONDS = 120
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,python3-venv,ca-certificates"
# The authorities that this machine trusts, since a proxy may have its own.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Folders of Debian that are not needed.
UNUSED = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/man", "usr/share/locale")


def base_image() -> str:
    """Return the name of the base image; create it if it is missing. Raises DockerError.

    AGENT_BASE_IMAGE names another one, which is used unchanged.
    """
    if named := os.environ.get("AGENT_BASE_IMAGE"):
        return named
    if not has_image(IMAGE):
        with tempfile.TemporaryDirectory() as folder:
            if not _is_pulled():
                _make_debian(Path(folder))
            else:
                _make_from_official(Path(folder))
    return IMAGE


def _is_pulled() -> bool:
    try:
        docker("pull", OFFICIAL, seconds=PULL_SECONDS)
    except DockerError:
        return False
    return True


def _make_from_official(folder: Path) -> None:
    shutil.copy(CERTIFICATES, folder / "certificates.crt")
    (folder / "Dockerfile").write_text(
        f"FROM {OFFICIAL}\nCOPY certificates.crt {CERTIFICATES}\nENV PIP_CERT={CERTIFICATES}\n"
    )
    docker("build", "--tag", IMAGE, str(folder))


def _make_debian(folder: Path) -> None:
    root = folder / "root"
    archive = folder / "root.tar"
    options = ["--variant=minbase", f"--include={PACKAGES}"]
    _as_root("debootstrap", *options, SUITE, str(root), os.environ.get("DEBIAN_MIRROR", MIRROR))
    for path in UNUSED:
        _as_root("rm", "-rf", str(root / path))
    _as_root("cp", str(CERTIFICATES), str(root / CERTIFICATES.relative_to("/")))
    _as_root("tar", "--create", "--file", str(archive), "--directory", str(root), ".")
    docker("import", f"--change=ENV PIP_CERT={CERTIFICATES}", str(archive), IMAGE)
    _as_root("rm", "-rf", str(root))


def _as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    # On Debian, debootstrap is only on root's PATH.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    try:
        done = subprocess.run(
            [*prefix, "env", f"PATH={path}", *command], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise DockerError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise DockerError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    print(base_image(), file=sys.stdout)
