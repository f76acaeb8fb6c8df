"""Compiles the installed packages, and drops the sources of those in the runtime's lock.

The author's packages keep all files, since they may read any of them.
"""

import compileall
import csv
import io
import os
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from py_compile import PycInvalidationMode

from .bytecode import compile_module

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
ACTIVATION = re.compile(r"(?i)activate(\..*)?")


def site_of(environment: Path) -> Path:
    [site] = environment.glob("lib/python3*/site-packages")
    return site


def normalised(name: str) -> str:
    """As PyPA's "Names and normalization" says."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names(lock: Path) -> set[str]:
    return {normalised(name) for name in PIN.findall(lock.read_text(encoding="utf-8"))}


def installed(environment: Path) -> list[Distribution]:
    """Sorted by name, each once."""
    found = {
        normalised(each.metadata["Name"]): each
        for each in distributions(path=[str(site_of(environment))])
    }
    return [found[name] for name in sorted(found)]


def owners_of_files(environment: Path) -> dict[Path, str]:
    """Return the name of the package that installed each file."""
    return {
        Path(os.path.normpath(str(file.locate()))): package.metadata["Name"]
        for package in installed(environment)
        for file in package.files or []
    }


def finish(environment: Path, lock: Path, at: Path) -> None:
    """Compile the packages; `at` is the environment's path in the image."""
    known = locked_names(lock)
    for package in installed(environment):
        if normalised(package.metadata["Name"]) in known:
            _drop_sources(package, environment, at)
    compileall.compile_dir(
        site_of(environment),
        quiet=2,  # some files, such as templates, do not compile
        stripdir=str(environment),
        prependdir=str(at),
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    for script in (environment / "bin").iterdir():
        if ACTIVATION.fullmatch(script.name):
            script.unlink()


def _drop_sources(package: Distribution, environment: Path, at: Path) -> None:
    """Replace each source by its bytecode, in RECORD too."""
    site = site_of(environment)
    compiled = {}
    for name in _sources(package, site):
        path = site / name
        filename = at / path.relative_to(environment)
        try:
            content = compile_module(path.read_bytes(), str(filename))
        except (SyntaxError, ValueError):
            continue  # a template, or of another version
        path.with_suffix(".pyc").write_bytes(content)
        path.unlink()
        compiled[name] = f"{name}c"
    record = package.read_text("RECORD") or ""
    lines = [
        [compiled[line[0]], "", ""] if line and line[0] in compiled else line
        for line in csv.reader(record.splitlines())
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    [folder] = [file for file in package.files or [] if file.name == "RECORD"]
    Path(str(folder.locate())).write_text(text.getvalue(), encoding="utf-8")


def _sources(package: Distribution, site: Path) -> Iterator[str]:
    for file in package.files or []:
        # Scripts, in other folders, run from their sources.
        if file.suffix == ".py" and ".." not in file.parts and (site / file).is_file():
            yield str(file)
