from collections.abc import Iterator, Sequence
from pathlib import Path

from .interpreter import add_libraries
from .os_packages import files_of
from .shared_libraries import is_elf
from .tree import Tree

# For people and package managers. The packages' records add licences.
DOCUMENTS = tuple(
    Path("/usr/share", name) for name in ("doc", "man", "info", "locale", "lintian", "bug")
)


def add_system_packages(tree: Tree, names: Sequence[str]) -> Iterator[str]:
    """Add the files of these packages, and the libraries they need. Yields notes."""
    found = files_of(names) if names else {}
    for name in names:
        if name not in found:
            yield (
                f"warning: no package has the name {name}: its files are not in the image. "
                "Put the package that provides it into system_packages."
            )
    files = [
        path
        for listed in found.values()
        for path in listed
        if path.exists() and not path.is_dir() and not _is_document(path)
    ]
    for path in files:
        tree.copy(path)
    programs = sorted(path for path in files if not path.is_symlink() and is_elf(path))
    add_libraries(tree, programs)


def _is_document(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in DOCUMENTS)
