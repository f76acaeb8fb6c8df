"""Changes of a folder's files that happen as a whole or, if interrupted, not at all.

A new folder is written beside its place and renamed. In a folder that is there (a shell, an
editor or a mount may hold on to it, so it is not replaced) the old files are set aside first; an
error puts them back at once, and after a crash the next run does.
"""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

STAGING = ".generating"
# In STAGING. While the journal is there, the change has begun and is not complete.
JOURNAL = "journal.json"
NEW = "new"
OLD = "old"


def create_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make a folder with `files`, texts by their paths. Raises OSError."""
    if folder.parent.exists() and not folder.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder.parent))
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Its name is always the same, so that what a crash leaves is used, not left for ever.
    staging = folder.with_name(f".{folder.name}{STAGING}")
    staging.mkdir(exist_ok=True)
    try:
        with locked(staging):
            for path in staging.iterdir():
                _remove(path)
            _write_files(staging, files)
            staging.rename(folder)
            _sync(folder.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def change_folder(folder: Path, write: Mapping[str, str], remove: Sequence[str]) -> None:
    """Write and remove files of a folder that is `locked`. Raises OSError."""
    staging = folder / STAGING
    staging.mkdir()
    try:
        _write_files(staging / NEW, write)
        touched = [*write, *remove]
        for path in touched:
            if os.path.lexists(folder / path):
                (staging / OLD / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / path, staging / OLD / path, follow_symlinks=False)
        added = [path for path in touched if not os.path.lexists(folder / path)]
        _begin(staging, added)
        for path in write:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / NEW / path).replace(folder / path)
        for path in remove:
            (folder / path).unlink()
        _sync(folder)
    except BaseException:
        undo_interrupted(folder)
        raise
    _end(staging)


def was_interrupted(folder: Path) -> bool:
    """Whether a change of the folder has begun and was never completed."""
    return (folder / STAGING / JOURNAL).exists()


def undo_interrupted(folder: Path) -> None:
    """Put a folder that is `locked` back to where it was before an interrupted change.

    Raises OSError.
    """
    staging = folder / STAGING
    if was_interrupted(folder):
        for path in json.loads((staging / JOURNAL).read_text(encoding="utf-8")):
            (folder / path).unlink(missing_ok=True)
        for old in (staging / OLD).rglob("*"):
            if not old.is_dir() or old.is_symlink():
                old.replace(folder / old.relative_to(staging / OLD))
        _sync(folder)
    if staging.exists():
        _end(staging)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs away from a folder. Raises OSError when one is at work in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(error.errno, "another run is writing it") from error
        yield
    finally:
        os.close(descriptor)


def _begin(staging: Path, added: Sequence[str]) -> None:
    _write_files(staging, {f"{JOURNAL}.new": json.dumps(added)})
    (staging / f"{JOURNAL}.new").rename(staging / JOURNAL)
    _sync(staging)


def _end(staging: Path) -> None:
    (staging / JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(staging)


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _sync(folder: Path) -> None:
    """Let the names in a folder outlive a loss of power."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
