"""Changes a folder as a whole or not at all, whatever interrupts it.

Renaming the staging folder commits; the next run finishes. The folder itself stays, since shells or
mounts may hold it.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from deploygen.output.content import Content, write_content

STAGING = ".generating"
READY = ".generating-ready"
# New files, and empty ones for those to remove.
WRITE = "write"
REMOVE = "remove"
# Written first: it makes the folder ours.
MARKER = ".generated.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Raises OSError if another run has the folder."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(error.errno, "another run is writing it") from error
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        os.close(descriptor)


def change_folder(folder: Path, write: Mapping[str, Content], remove: Iterable[str] = ()) -> None:
    """In a `locked` folder. Raises OSError."""
    staging = folder / STAGING
    if os.path.lexists(staging):  # left by a killed run
        _check_own(staging)
        shutil.rmtree(staging)
    try:
        for path in (*write, *remove):
            _check_target(folder, path)
        _write_files(staging / WRITE, write)
        _write_files(staging / REMOVE, dict.fromkeys(remove, ""))
        _sync(staging)
        staging.rename(folder / READY)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    try:
        finish_change(folder)
    except BaseException:
        finish_change(folder)
        raise


def was_interrupted(folder: Path) -> bool:
    return os.path.lexists(folder / READY)


def finish_change(folder: Path) -> None:
    """Finish an interrupted change. Raises OSError."""
    ready = folder / READY
    if not was_interrupted(folder):
        return
    _check_own(ready)
    removed, written = (list(_files_below(ready / part)) for part in (REMOVE, WRITE))
    for path in (*removed, *written):
        check_inside(folder, path)
    for path in removed:
        (folder / path).unlink(missing_ok=True)
    for path in sorted(written, key=lambda path: (path != MARKER, path)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (ready / WRITE / path).replace(folder / path)
    for path in removed:
        _remove_empty_parents(folder, path)
    _sync(folder)
    shutil.rmtree(ready)


def files_in(folder: Path) -> Iterator[str]:
    for path in _files_below(folder):
        if PurePosixPath(path).parts[0] not in (STAGING, READY):
            yield path


def is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or "\0" in name
    return bool(path.name) and not leads_out


def check_inside(folder: Path, name: str) -> None:
    """Refuse paths out of the folder or through links. Raises OSError."""
    if not is_inside(name):
        raise OSError(errno.EINVAL, f"{name!r} leads out of the folder")
    for parent in PurePosixPath(name).parents:
        if parent.name and (folder / parent).is_symlink():
            raise OSError(errno.ELOOP, f"{folder / parent} is a symbolic link")


def _files_below(folder: Path) -> Iterator[str]:
    if folder.is_symlink():
        raise OSError(errno.ELOOP, f"{folder} is a symbolic link")
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _check_target(folder: Path, path: str) -> None:
    check_inside(folder, path)
    target = folder / path
    parent = next(each for each in target.parents if os.path.lexists(each))
    if target.is_dir() and not target.is_symlink():
        raise IsADirectoryError(errno.EISDIR, f"{target} is a folder")
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent} is not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"{parent} may not be written")


def _remove_empty_parents(folder: Path, path: str) -> None:
    for parent in PurePosixPath(path).parents[:-1]:
        try:
            (folder / parent).rmdir()
        except OSError:
            return


def _write_files(folder: Path, files: Mapping[str, Content]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_content(path, content)
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _check_own(staging: Path) -> None:
    # Somebody may have put a link there.
    found = staging.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, f"{staging} is not as this command made it")


def _sync(folder: Path) -> None:
    """Make the folder's names survive a power loss."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
