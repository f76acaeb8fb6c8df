import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploygen.output.content import SourceFile, read_source
from deploygen.output.rendering import CONFIGURATION, OWN_NAMES
from deploygen.output.transaction import MARKER
from deploygen.project.patterns import Selection
from deploygen.spec.model import AgentSpec

MOST_FILES = 10_000
# `include` must name larger files.
LARGE_BYTES = 100 * 1024 * 1024
PRIVATE_KEY = b"PRIVATE KEY-----"
PRIVATE_KEY_BYTES = 64 * 1024
ENVIRONMENT = "pyvenv.cfg"
USUAL_REQUIREMENTS = ("requirements.txt", "constraints.txt")


class FilesError(Exception):
    pass


@dataclass
class Found:
    """`files`: by path; `notes`: on files that were left out."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_files(spec_file: Path, spec: AgentSpec, output: Path) -> Found:
    """Find the author's files, without the spec, its wheels and `output`. Raises FilesError."""
    folder = spec_file.parent
    search = _Search(folder, Selection(spec.include, spec.exclude), _real(output))
    not_copied = {spec_file.name, *spec.wheels}
    found = Found()
    try:
        for path in sorted(search.paths(folder, "")):
            if path in not_copied or not search.selection.has(path):
                continue
            if note := search.reason_to_leave_out(path):
                found.notes.append(note)
                continue
            if len(found.files) == MOST_FILES:
                raise FilesError(
                    f"{folder} has more than {MOST_FILES:,} files: say which of them the agent "
                    "needs, by the keys include or exclude"
                )
            found.files[path] = search.read(path)
    except OSError as error:
        raise FilesError(f"{error.filename or folder}: {error.strerror or error}") from error
    return found


@dataclass(frozen=True)
class _Search:
    folder: Path
    selection: Selection
    output: str

    def paths(self, folder: Path, inside: str) -> Iterator[str]:
        with os.scandir(folder) as scanned:
            entries = list(scanned)
        for entry in entries:
            path = f"{inside}{entry.name}"
            if not path.isprintable():
                raise FilesError(f"{folder} has a file named {entry.name!a}: give it another name")
            if not entry.is_dir(follow_symlinks=False):
                yield path
            elif self.selection.may_have_below(path) and not self._is_foreign(Path(entry.path)):
                yield from self.paths(Path(entry.path), f"{path}/")

    def reason_to_leave_out(self, path: str) -> str:
        top, _, below = path.partition("/")
        if top in OWN_NAMES:
            if top == CONFIGURATION or below:
                raise FilesError(
                    f"{self.folder / path} has a name that the generator needs: give it another"
                )
            if top in USUAL_REQUIREMENTS:
                return f"{path} is not read: list its packages in the spec, by the key requirements"
            return f"{path} is left out: the generator writes its own"
        mode = self._target(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise FilesError(
                f"{self.folder / path} is a link to a folder: put the folder there, or name the "
                "link in exclude"
            )
        if not stat.S_ISREG(mode):
            return f"{path} is left out: it is not a file"
        if path.endswith(".pem") and self._has_private_key(path):
            return f"{path} is left out: it holds a private key, which belongs into secrets"
        return ""

    def read(self, path: str) -> SourceFile:
        found = read_source(self.folder / path)
        if found.size > LARGE_BYTES and not self.selection.names(path):
            raise FilesError(
                f"{self.folder / path} has {found.size / 1e6:,.0f} MB: name it in include, beside "
                "'*', if the agent needs it, else in exclude"
            )
        return found

    def _target(self, path: str) -> Path:
        target = Path(_real(self.folder / path))
        folder = Path(_real(self.folder))
        if not target.is_relative_to(folder):
            raise FilesError(
                f"{self.folder / path} leads out of the folder: copy what it leads to, or name it "
                "in exclude"
            )
        if not target.exists():
            raise FilesError(f"{self.folder / path} is a link to nothing")
        real = target.relative_to(folder).as_posix()
        if target.is_file() and real != path and not self.selection.has(real):
            raise FilesError(f"{self.folder / path} is a link to {real}, which is left out")
        return target

    def _is_foreign(self, folder: Path) -> bool:
        return _real(folder) == self.output or is_foreign(folder)

    def _has_private_key(self, path: str) -> bool:
        with (self.folder / path).open("rb") as file:
            return PRIVATE_KEY in file.read(PRIVATE_KEY_BYTES)


def is_foreign(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in (ENVIRONMENT, MARKER))


def _real(path: Path) -> str:
    return os.path.realpath(path)
