"""Changes of a folder's files that happen as a whole or, if interrupted, not at all.

A new folder is written beside its place and renamed. In a folder that is there (a shell, an
editor or a mount may hold on to it, so it is not replaced) the old files are set aside first; an
error puts them back at once, and after a crash the next run does.
"""

import errno
import fcntl
import glob
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

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
    prefix = f".{folder.name}{STAGING}-"
    _clear_remains(folder.parent, prefix)
    # A name that nobody can have put something under before.
    staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        with locked(staging):
            (staging / NEW).mkdir()  # with the mode that folders have here
            _write_files(staging / NEW, files)
            (staging / NEW).rename(folder)
            _sync(folder.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


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
    return os.path.lexists(folder / STAGING / JOURNAL)


def is_empty(folder: Path) -> bool:
    """Whether there is no file in a folder but those that an interrupted change of ours put there.

    Raises OSError.
    """
    ours, staging = {folder / name for name in _added(folder)}, folder / STAGING
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return all(path in ours or staging in (path, *path.parents) for path in files)


def _added(folder: Path) -> list[str]:
    """Return which files an interrupted change may have added; none without one. Raises OSError."""
    staging = folder / STAGING
    if not was_interrupted(folder):
        return []
    _check_own(staging)
    try:
        names = json.loads(_read_own(staging / JOURNAL))
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OSError(errno.EINVAL, f"{staging / JOURNAL} is not as this command wrote it")
    for name in names:
        check_inside(folder, name)
    return names


def undo_interrupted(folder: Path) -> None:
    """Put a folder that is `locked` back to where it was before an interrupted change.

    Raises OSError.
    """
    staging = folder / STAGING
    if not os.path.lexists(staging):
        return
    _check_own(staging)
    if was_interrupted(folder):
        for path in _added(folder):
            (folder / path).unlink(missing_ok=True)
        for old in (staging / OLD).rglob("*"):
            if not old.is_dir() or old.is_symlink():
                name = old.relative_to(staging / OLD).as_posix()
                check_inside(folder, name)
                old.replace(folder / name)
        _sync(folder)
    _end(staging)


def is_inside(name: str) -> bool:
    """Whether a path, relative to a folder, leads to a place in it."""
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or "\0" in name
    return bool(path.name) and not leads_out


def check_inside(folder: Path, name: str) -> None:
    """Require that a path leads to a place in the folder, and over no link. Raises OSError."""
    if not is_inside(name):
        raise OSError(errno.EINVAL, f"{name!r} leads out of the folder")
    for parent in PurePosixPath(name).parents:
        if (folder / parent).is_symlink() and parent.name:
            raise OSError(errno.ELOOP, f"{folder / parent} is a symbolic link")


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


def _clear_remains(parent: Path, prefix: str) -> None:
    """Remove what crashes of earlier runs have left, and nothing that another run works on."""
    for remains in parent.glob(f"{glob.escape(prefix)}*"):
        with suppress(OSError):
            _check_own(remains)
            with locked(remains):
                shutil.rmtree(remains)


def _check_own(staging: Path) -> None:
    # Somebody else may have put it there, so that we work on what it leads to.
    found = staging.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, f"{staging} is not as this command made it")


def _read_own(path: Path) -> str:
    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path} is a symbolic link")
    return path.read_text(encoding="utf-8")


def _sync(folder: Path) -> None:
    """Let the names in a folder outlive a loss of power."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
