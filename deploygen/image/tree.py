import filecmp
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

MOST_LINKS = 40


class Tree:
    """A part of the image's file system, without what the trees `below` have.

    `copied`: files of the base, absolute, without symbolic links.
    """

    def __init__(self, root: Path, below: Sequence[Path] = ()) -> None:
        self.root = root
        self.below = below
        self.copied: set[Path] = set()
        root.mkdir(parents=True)

    def inside(self, path: Path) -> Path:
        """Return where the image's absolute `path` is."""
        return self.root / path.relative_to("/")

    def has(self, path: Path) -> bool:
        places = (root / path.relative_to("/") for root in (self.root, *self.below))
        return any(map(os.path.lexists, places))

    def copy(self, path: Path) -> None:
        """Copy a file, or an empty folder, with the symbolic links on its path."""
        left = list(path.parts[1:])
        at = Path("/")
        links = 0
        while left:
            part = left.pop(0)
            if part == "..":
                at = at.parent
                continue
            step = at / part
            if not step.is_symlink():
                at = step
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(f"too many symbolic links on the way to {path}")
            target = step.readlink()
            self._link(step, target)
            left = [*(target.parts[1:] if target.is_absolute() else target.parts), *left]
            at = Path("/") if target.is_absolute() else at
        self._copy_real(at)

    def copy_folder(self, folder: Path, to: Path, *skipped: Path) -> None:
        self.copy_files(folder, to, lambda path: path not in skipped)

    def copy_files(self, folder: Path, to: Path, wanted: Callable[[Path], bool]) -> None:
        """Copy what is `wanted`; unwanted folders are skipped whole."""
        target = self._place(to)
        target.mkdir(exist_ok=True)
        for path in _walk(folder, wanted):
            place = target / path.relative_to(folder)
            if self._is_below(path, place):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                place.symlink_to(path.readlink())
            elif path.is_dir():
                place.mkdir()
            else:
                shutil.copyfile(path, place)
                place.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)

    def write(self, path: Path, content: str | bytes) -> None:
        place = self._place(path)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        if self._is_below(place, place):
            place.unlink()

    def link(self, path: Path, target: Path) -> None:
        self._link(Path("/", self._place(path).relative_to(self.root)), target)

    def folder(self, path: Path, mode: int) -> None:
        self._place(path).mkdir(exist_ok=True)
        self._place(path).chmod(mode)

    def drop_empty_folders(self) -> None:
        """Drop those that a tree below has. Builders differ on whether a layer lists them."""
        for path in sorted(self.root.rglob("*"), reverse=True):
            is_folder = path.is_dir() and not path.is_symlink()
            if is_folder and not any(path.iterdir()) and self._is_below(path, path):
                path.rmdir()

    def _place(self, path: Path) -> Path:
        """Return `inside` of `path`, with its links copied and followed."""
        self.copy(next(folder for folder in path.parents if folder.exists()))
        place = self.inside(path.parent.resolve() / path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _link(self, path: Path, target: Path) -> None:
        if not self.has(path):
            link = self.inside(path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)

    def _copy_real(self, path: Path) -> None:
        target = self.inside(path)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            self.copied.add(path)
            if not target.exists() and not self._is_below(path, target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)

    def _is_below(self, path: Path, place: Path) -> bool:
        for root in reversed(self.below):
            other = root / place.relative_to(self.root)
            if os.path.lexists(other):
                return _are_same(path, other)
        return False


def _are_same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if one.is_dir() or other.is_dir():
        return one.is_dir() and other.is_dir()
    return filecmp.cmp(one, other, shallow=False)


def _walk(folder: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not wanted(path):
            continue
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            yield path
        else:
            yield from _walk(path, wanted)
