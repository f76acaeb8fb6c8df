"""The registry's code before its newest migration, for testing an upgrade."""

import io
import subprocess
import tarfile
from pathlib import Path

from tests.integration.registry_process import PROJECT

MIGRATIONS = "agents/migrations/0*.py"


def find_earlier() -> str | None:
    """Return the last commit without the newest migration, or None without a history."""
    newest = max(PROJECT.glob(MIGRATIONS)).relative_to(PROJECT)
    added = _git("log", "--diff-filter=A", "--format=%H", "--", str(newest)).decode().split()
    if not added:
        return None
    return _git("rev-parse", "--verify", "--quiet", f"{added[-1]}^").decode().strip() or None


def extract(commit: str, folder: Path) -> Path:
    """Extract the code of `commit` into `folder`; return `folder`."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    """Return git's output, or nothing if there is no git or no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *arguments],  # noqa: S607 - wherever this system has it
            capture_output=True,
            check=False,
        )
    except OSError:
        return b""
    return done.stdout
