import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from deploygen.output.content import SourceFile
from deploygen.output.package import top_level_names
from deploygen.project.bindings import parse

SUFFIX = ".py"
INIT = "__init__"


class Modules:
    """`files`: by path; only modules count. `python`: the version that will run them."""

    def __init__(
        self, files: Mapping[str, SourceFile], python: tuple[int, int] | None = None
    ) -> None:
        self._files = {name: path for path in files if (name := module_of(path))}
        self._sources = files
        self._python = python
        self._trees: dict[str, ast.Module | None] = {}
        self._packages = {parent for name in self._files for parent in _parents(name)}

    def file(self, module: str) -> str | None:
        return self._files.get(module)

    def is_package(self, name: str) -> bool:
        return name in self._packages or self._files.get(name, "").endswith(f"{INIT}{SUFFIX}")

    def below(self, package: str) -> list[str]:
        start = f"{package}." if package else ""
        return sorted(
            name
            for name in self._files
            if name.startswith(start) and "." not in name[len(start) :] and name != package
        )

    def tree(self, file: str) -> ast.Module | None:
        """None if a newer Python may accept it. Raises NotPython, OSError."""
        if file not in self._trees:
            source = self._sources[file].path.read_bytes()
            self._trees[file] = parse(source, self._python)
        return self._trees[file]


def module_of(path: str) -> str | None:
    """None: it cannot be imported."""
    if not path.endswith(SUFFIX):
        return None
    parts = PurePosixPath(path.removesuffix(SUFFIX)).parts
    if parts[-1] == INIT:
        parts = parts[:-1]
    return ".".join(parts) if parts and all(map(str.isidentifier, parts)) else None


def package_of(file: str, level: int, module: str | None) -> str:
    """Resolve `from ..module import` in a file."""
    package = PurePosixPath(file).parent.parts
    above = package[: len(package) - level + 1] if level else ()
    return ".".join([*above, *([module] if module else [])])


def imported_as(paths: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        if path.count("/") <= 1 and (name := module_of(path)):
            top = name.partition(".")[0]
            found.setdefault(top, f"{top}/" if "/" in path else path)
    return found


def hidden_names(paths: Iterable[str]) -> Iterator[str]:
    taken = top_level_names()
    for name, place in imported_as(paths).items():
        if name in sys.stdlib_module_names:
            yield f"{place} would hide Python's own {name}: give it another name"
        elif name.lower() in taken:
            yield f"{place} would hide a package of every agent: give yours another name"


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
