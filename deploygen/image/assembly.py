"""Assembles an image's file system."""

import compileall
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from . import shared_libraries
from .accounts import add_accounts
from .certificates import add_certificates
from .os_packages import OsPackage, add_records, all_packages, distribution_of_base, owners
from .packages import finish, installed, owners_of_files, site_of
from .sbom import PLACE, bill_of_materials
from .standard_library import Interpreter, extension_modules, make_archive, module_files
from .tree import Tree

ENVIRONMENT = Path("/venv")
APP = Path("/app")
OF_THE_BUILD = (
    "agent_runtime/image",
    "requirements.txt",
    "requirements-agent.txt",
    "requirements-wheels",
    "constraints.txt",
)
TIME_ZONES = Path("/usr/share/zoneinfo")
# Variants of the zones, and their sources.
OTHER_ZONES = ("posix", "right", "tzdata.zi", "leapseconds", "leap-seconds.list")


@dataclass(frozen=True)
class Sources:
    """Absolute paths: the environment with all packages, the code, the lock of our own packages.

    `name` is for the bill of materials; None means that of agent.json.
    """

    environment: Path
    app: Path
    lock: Path
    name: str | None = None


def assemble(sources: Sources, image: Path) -> Iterator[str]:
    """Write a self-contained image. Yields notes for whoever builds it."""
    tree = Tree(image)
    _add_agent(tree, sources)
    interpreter = Interpreter.running()
    _add_interpreter(tree, interpreter)
    yield from _add_libraries(tree, sources, interpreter)
    if not add_certificates(tree, site_of(sources.environment)):
        yield "note: no certificates of authorities were found; TLS will not trust any server"
    add_accounts(tree)
    if TIME_ZONES.is_dir():
        tree.copy_folder(TIME_ZONES, TIME_ZONES, *OTHER_ZONES)
        tree.copied.add(TIME_ZONES.resolve() / "UTC")
    packages = owners(tree.copied)
    add_records(tree, packages)
    _add_bill(tree, sources, packages)


def assemble_beside_base(sources: Sources, image: Path) -> Iterator[str]:
    """Write only what is added to the base image."""
    tree = Tree(image)
    _add_agent(tree, sources)
    _add_bill(tree, sources, all_packages())
    yield from ()


def _add_agent(tree: Tree, sources: Sources) -> None:
    tree.copy_folder(sources.environment, ENVIRONMENT)
    finish(tree.inside(ENVIRONMENT), sources.lock, ENVIRONMENT)
    tree.copy_folder(sources.app, APP, *OF_THE_BUILD)
    # Hashes are checked here: somebody may mount a file over one of these.
    compileall.compile_dir(
        tree.inside(APP),
        quiet=2,
        stripdir=str(tree.root),
        prependdir="/",
        invalidation_mode=PycInvalidationMode.CHECKED_HASH,
    )


def _add_interpreter(tree: Tree, interpreter: Interpreter) -> None:
    tree.copy(interpreter.executable)
    for path in extension_modules(interpreter):
        tree.copy(path)
    tree.write(interpreter.archive, make_archive(interpreter))
    licence = interpreter.library / "LICENSE.txt"
    if licence.is_file():
        tree.copy(licence)
    # They are in the archive: their packages belong in the bill of materials.
    tree.copied.update(path.resolve() for path in module_files(interpreter.library))


def _add_libraries(tree: Tree, sources: Sources, interpreter: Interpreter) -> Iterator[str]:
    program = interpreter.executable.resolve()
    loader = shared_libraries.loader_of(program)
    if loader is None:
        return
    tree.copy(loader)
    late = list(shared_libraries.late_libraries())
    files = [program, *extension_modules(interpreter), *late]
    packaged = list(shared_libraries.elf_files(sources.environment))
    libraries = shared_libraries.libraries_of([*files, *packaged], loader)
    for path in [*late, *sorted(libraries.paths)]:
        if not path.resolve().is_relative_to(sources.environment):
            tree.copy(path)
    for path in shared_libraries.settings_of_loader():
        tree.copy(path)
    # Packages load their own libraries before those that need them.
    for path in packaged:
        libraries.missing.pop(path.name, None)
    yield from _missing(libraries, sources.environment)


def _missing(libraries: shared_libraries.Libraries, environment: Path) -> Iterator[str]:
    """A warning only: many packages have parts that need a library which is not always there."""
    owners = owners_of_files(environment) if libraries.missing else {}
    lacking = {
        (owners.get(path, ""), name): path
        for name, paths in libraries.missing.items()
        for path in reversed(paths)
    }
    for (package, name), path in sorted(lacking.items()):
        needed_by = f" (it is needed by {path})" if package else ""
        yield (
            f"warning: {package or path} needs {name}, which the base image does not have"
            f"{needed_by}. What loads this file will fail."
        )


def _add_bill(tree: Tree, sources: Sources, packages: list[OsPackage]) -> None:
    if sources.name is None:
        about = json.loads((sources.app / "agent.json").read_text(encoding="utf-8"))
    else:
        about = {"name": sources.name}
    python = installed(tree.inside(ENVIRONMENT))
    tree.write(PLACE, bill_of_materials(about, python, packages, distribution_of_base()))
