from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from py_compile import PycInvalidationMode

from .bytecode import compile_folder
from .certificates import share_certificates
from .code import SERVER, add_code
from .interpreter import add_libraries
from .layers import PACKAGES, RUNTIME, Layers
from .package_files import forget_missing_files
from .packages import (
    installed,
    locked_names,
    make_small,
    normalised,
    owners_of_files,
    site_of,
)
from .shared_libraries import is_elf
from .system_packages import add_system_packages
from .tree import Tree

ENVIRONMENT = Path("/venv")
TESTS = "tests"  # not "test": some packages need theirs


def write_runtime(
    layers: Layers, environment: Path, lock: Path, *, app: Path | None, archived: bool
) -> Iterator[str]:
    """Write the lock's packages and `app`'s server. Yields notes."""
    known = locked_names(lock)
    owners = owners_of_files(environment)
    # Files of no package belong to the environment itself.
    files = [
        path
        for path in _files(environment)
        if path not in owners or normalised(owners[path]) in known
    ]
    with layers.layer(RUNTIME) as tree:
        wanted = set(filter(_is_not_for_shells, files))
        tree.copy_files(environment, ENVIRONMENT, lambda path: path in wanted or _is_folder(path))
        place = tree.inside(ENVIRONMENT)
        make_small(place, known, ENVIRONMENT, archived=archived)
        _compile(tree)
        if app:
            add_code(tree, app, SERVER)
        yield from _add_libraries(layers, tree, environment, files)
        certifi = site_of(place) / "certifi" / "cacert.pem"
        if not layers.beside_base and not share_certificates(tree, certifi):
            yield "note: no CA certificates were found; TLS will not trust any server"
    layers.note(RUNTIME, environment=[str(path.relative_to(environment)) for path in files])


def write_packages(
    layers: Layers, environment: Path, *, with_tests: bool, system: Sequence[str] = ()
) -> Iterator[str]:
    before = {environment / path for path in layers.facts(RUNTIME)["environment"]}
    files = {path for path in _files(environment) if path not in before}
    if not with_tests:
        files = {path for path in files if TESTS not in path.relative_to(environment).parts}
    with layers.layer(PACKAGES) as tree:
        tree.copy_files(environment, ENVIRONMENT, lambda path: path in files or _is_folder(path))
        if files and not with_tests:
            for package in installed(tree.inside(ENVIRONMENT)):
                forget_missing_files(package)
        _compile(tree)
        yield from _add_libraries(layers, tree, environment, files)
        if not layers.beside_base:
            yield from add_system_packages(tree, system)


def _files(environment: Path) -> list[Path]:
    return sorted(path for path in environment.rglob("*") if not _is_folder(path))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_not_for_shells(path: Path) -> bool:
    return path.parent.name != "bin" or not path.name.lower().startswith("activate")


def _compile(tree: Tree) -> None:
    place = tree.inside(ENVIRONMENT)
    compile_folder(place, ENVIRONMENT, PycInvalidationMode.UNCHECKED_HASH)


def _add_libraries(
    layers: Layers, tree: Tree, environment: Path, files: Iterable[Path]
) -> Iterator[str]:
    """Yields a warning for each missing library."""
    if layers.beside_base:
        return
    packaged = sorted(path for path in files if not path.is_symlink() and is_elf(path))
    libraries = add_libraries(tree, packaged, environment=environment)
    # Packages load their own libraries first.
    own = {path.name for path in _files(environment)}
    missing = {name: paths for name, paths in libraries.missing.items() if name not in own}
    # Only warnings: many packages have optional parts that need more libraries.
    owners = owners_of_files(environment) if missing else {}
    lacking = {
        (owners.get(path, ""), name): path
        for name, paths in missing.items()
        for path in reversed(paths)
    }
    for (package, name), path in sorted(lacking.items()):
        needed_by = f" (it is needed by {path})" if package else ""
        yield (
            f"warning: {package or path} needs {name}, which the base image does not have"
            f"{needed_by}. Loading this file will fail. If a package of the distribution has the "
            "library, add it to system_packages."
        )
