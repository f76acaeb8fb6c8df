"""The author's modules beside agent.yaml."""

import os
import stat
import sys
from pathlib import Path

LARGEST_BYTES = 1024 * 1024
MOST_MODULES = 200


class ModulesError(Exception):
    """The message names the file."""


def read_modules(folder: Path) -> dict[str, str]:
    """Return texts by file name; subfolders are ignored. Raises ModulesError."""
    try:
        paths = sorted(path for path in folder.glob("*.py") if path.stem.isidentifier())
        if len(paths) > MOST_MODULES:
            raise ModulesError(f"{folder} has more than {MOST_MODULES} modules")
        modules = {path.name: _read(path, folder) for path in paths}
    except OSError as error:
        raise ModulesError(f"{error.filename}: {error.strerror}") from error
    return modules


def _read(path: Path, folder: Path) -> str:
    if path.stem in sys.stdlib_module_names:
        raise ModulesError(f"{path} would hide Python's own {path.stem}: give it another name")
    # A link may lead to what must not be in an image.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ModulesError(f"{path} leads out of the folder")
    if not stat.S_ISREG(path.stat().st_mode):
        raise ModulesError(f"{path} is not a file")
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ModulesError(f"{path} is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModulesError(f"{path} is not UTF-8") from error
