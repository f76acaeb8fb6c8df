from collections.abc import Iterable
from pathlib import Path

from .accounts import add_accounts
from .certificates import add_certificates
from .layers import INTERPRETER, Layers
from .shared_libraries import (
    Libraries,
    late_libraries,
    libraries_of,
    loader_of,
    settings_of_loader,
)
from .standard_library import Interpreter, extension_modules, make_archive, module_files
from .tree import Tree

TIME_ZONES = Path("/usr/share/zoneinfo")
OTHER_ZONES = ("posix", "right", "tzdata.zi", "leapseconds", "leap-seconds.list")


def write_interpreter(layers: Layers) -> None:
    interpreter = Interpreter.running()
    with layers.layer(INTERPRETER) as tree:
        _add_interpreter(tree, interpreter)
        add_certificates(tree)
        add_accounts(tree)
        if TIME_ZONES.is_dir():
            tree.copy_folder(TIME_ZONES, TIME_ZONES, *(TIME_ZONES / name for name in OTHER_ZONES))
            tree.copied.add(TIME_ZONES.resolve() / "UTC")


def add_libraries(
    tree: Tree, files: Iterable[Path], *, environment: Path | None = None
) -> Libraries:
    """Add libraries of the base image that `files` need, unless `environment` has them."""
    loader = loader_of(Interpreter.running().executable.resolve())
    if loader is None:
        return Libraries()
    libraries = libraries_of(files, loader)
    for path in [loader, *sorted(libraries.paths)]:
        if environment is None or not path.resolve().is_relative_to(environment):
            tree.copy(path)
    for path in settings_of_loader():
        tree.copy(path)
    return libraries


def _add_interpreter(tree: Tree, interpreter: Interpreter) -> None:
    files = [interpreter.executable.resolve(), *extension_modules(interpreter), *late_libraries()]
    for path in [interpreter.executable, *files]:
        tree.copy(path)
    add_libraries(tree, files)
    tree.write(interpreter.archive, make_archive(interpreter))
    licence = interpreter.library / "LICENSE.txt"
    if licence.is_file():
        tree.copy(licence)
    # For the bill of materials: the archive contains these files.
    tree.copied.update(path.resolve() for path in module_files(interpreter.library))
