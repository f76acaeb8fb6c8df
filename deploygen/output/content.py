import hashlib
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1024 * 1024
RUNS = 0o111


@dataclass(frozen=True)
class SourceFile:
    """A file to copy. The other fields are from when it was read."""

    path: Path
    sha256: str
    size: int
    runs: bool


Content = str | bytes | SourceFile


def read_source(path: Path) -> SourceFile:
    """Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return SourceFile(path, digest, size, runs=runs(path))


def sha256_of(content: Content) -> str:
    if isinstance(content, SourceFile):
        return content.sha256
    return hashlib.sha256(_as_bytes(content)).hexdigest()


def write_content(path: Path, content: Content) -> None:
    """Raises OSError."""
    if not isinstance(content, SourceFile):
        path.write_bytes(_as_bytes(content))
        return
    shutil.copyfile(content.path, path)
    with path.open("rb") as copy:
        if hashlib.file_digest(copy, "sha256").hexdigest() != content.sha256:
            raise OSError(0, f"{content.path} has just changed: try again")
    if content.runs:
        path.chmod(path.stat().st_mode | RUNS)


def runs(path: Path) -> bool:
    """Raises OSError."""
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
