import os
import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

from .archive import archive_of
from .bytecode import compile_module
from .package_files import PackageFiles

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
ARCHIVE = "packages.zip"
# site.py adds what this file names to sys.path.
PATH_FILE = "packages.pth"


def site_of(environment: Path) -> Path:
    [site] = environment.glob("lib/python3*/site-packages")
    return site


def normalised(name: str) -> str:
    """See PyPA, "Names and normalization"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names(lock: Path) -> set[str]:
    return {normalised(name) for name in PIN.findall(lock.read_text(encoding="utf-8"))}


def installed(environment: Path) -> list[Distribution]:
    found = {
        normalised(each.metadata["Name"]): each
        for each in distributions(path=[str(site_of(environment))])
    }
    return [found[name] for name in sorted(found)]


def versions(environment: Path) -> list[str]:
    return [f"{each.metadata['Name']} {each.version}" for each in installed(environment)]


def owners_of_files(environment: Path) -> dict[Path, str]:
    return {
        Path(os.path.normpath(str(file.locate()))): package.metadata["Name"]
        for package in installed(environment)
        for file in package.files or []
    }


def make_small(environment: Path, known: set[str], at: Path, *, archived: bool) -> None:
    """Replace the sources of the `known` packages by bytecode, and drop what no server reads.

    `at`: the environment's path in the image. `archived`: put pure Python packages into one
    archive. Other packages, whose authors may read any file, stay whole.
    """
    site = site_of(environment)
    archive: dict[str, bytes] = {}
    for package in installed(environment):
        if normalised(package.metadata["Name"]) not in known:
            continue
        files = PackageFiles(package, site)
        files.drop_superfluous()
        files.cut_description()
        modules = _compiled(files, at / site.relative_to(environment))
        if archived and files.are_modules(modules):
            archive |= {f"{name}c": content for name, content in modules.items()}
            files.move_to_archive(modules, ARCHIVE)
        else:
            files.replace_sources(modules)
        files.write_record()
    if archive:
        (site / ARCHIVE).write_bytes(archive_of(archive))
        (site / PATH_FILE).write_text(f"{ARCHIVE}\n", encoding="utf-8")


def _compiled(files: PackageFiles, site: Path) -> dict[str, bytes]:
    compiled = {}
    for name in files.sources():
        try:
            compiled[name] = compile_module((files.site / name).read_bytes(), str(site / name))
        except (SyntaxError, ValueError):
            continue  # a template, or for another version
    return compiled
