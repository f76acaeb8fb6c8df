"""The base image of the tests: the official one, or Debian's Python by mmdebstrap.

It is created once and kept by the engine; ``python -m tests.docker.base_image`` creates it.
"""

import fcntl
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
PACKAGES = "python3,python3-venv,ca-certificates,usr-is-merged"
# Without it, usrmerge is installed, which needs Perl.
MERGED_USR = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
# The authorities that this machine trusts, since a proxy may have its own.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Folders of Debian that are not needed.
UNUSED = ("usr/share/man", "usr/share/locale")


def base_image() -> str:
    """Return the name of the base image; create it if it is missing. Raises DockerError.

    AGENT_BASE_IMAGE names another one, which is used unchanged.
    """
    if named := os.environ.get("AGENT_BASE_IMAGE"):
        return named
    with (Path(tempfile.gettempdir()) / "agent-base-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for one process at a time
        if not has_image(IMAGE):
            _make()
    return IMAGE


def _make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if not _is_pulled():
            _make_debian(Path(folder))
        else:
            _make_from_official(Path(folder))


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
    archive = folder / "root.tar"
    unused = " ".join(f'"$1/{path}"' for path in UNUSED)
    hooks = [
        f"--customize-hook=rm -rf {unused}",
        f'--customize-hook=cp {CERTIFICATES} "$1{CERTIFICATES}"',
    ]
    options = ["--variant=minbase", f"--include={PACKAGES}", MERGED_USR, *hooks]
    mirror = os.environ.get("DEBIAN_MIRROR", MIRROR)
    _as_root("mmdebstrap", *options, SUITE, str(archive), mirror)
    docker("import", f"--change=ENV PIP_CERT={CERTIFICATES}", str(archive), IMAGE)


def _as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    try:
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
    except OSError as error:
        raise DockerError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise DockerError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    print(base_image(), file=sys.stdout)
