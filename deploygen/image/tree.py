"""The image's file system, in a folder of the build stage."""

import os
import shutil
from pathlib import Path

MOST_LINKS = 40


class Tree:
    """`copied`: the base's files that the image has or is made from, absolute and without links."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.copied: set[Path] = set()
        root.mkdir(parents=True)

    def inside(self, path: Path) -> Path:
        """Return where the image's absolute `path` is in the build stage."""
        return self.root / path.relative_to("/")

    def copy(self, path: Path) -> None:
        """Copy a file to the same path, with each symbolic link on the way.

        Of a folder, the content is not copied.
        """
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

    def copy_folder(self, folder: Path, to: Path, *skipped: str) -> None:
        """Copy a folder, links as links, without `skipped`: paths relative to it."""

        def ignored(visited: str, names: list[str]) -> set[str]:
            below = Path(visited).relative_to(folder)
            return {name for name in names if (below / name).as_posix() in skipped}

        target = self._place(to)
        shutil.copytree(folder, target, symlinks=True, ignore=ignored)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)

    def write(self, path: Path, content: str | bytes) -> None:
        self._place(path).write_bytes(content.encode() if isinstance(content, str) else content)

    def link(self, path: Path, target: Path) -> None:
        """Link `path` to `target`, unless it exists."""
        self._link(Path("/", self._place(path).relative_to(self.root)), target)

    def folder(self, path: Path, mode: int) -> None:
        self._place(path).mkdir(exist_ok=True)
        self._place(path).chmod(mode)

    def _place(self, path: Path) -> Path:
        """Return `inside` of `path`, with its links copied and followed."""
        self.copy(next(folder for folder in path.parents if folder.exists()))
        place = self.inside(path.parent.resolve() / path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _link(self, path: Path, target: Path) -> None:
        link = self.inside(path)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(link):
            link.symlink_to(target)

    def _copy_real(self, path: Path) -> None:
        target = self.inside(path)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path not in self.copied or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            self.copied.add(path)
