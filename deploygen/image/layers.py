"""Each layer is a folder of the build stage.

It depends only on its content, with fixed times, owners and modes, so agents share it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .os_packages import OsPackage, add_records, all_packages, owners
from .tree import Tree

INTERPRETER = "interpreter"
RUNTIME = "runtime"
PACKAGES = "packages"
STEPS = "steps"
CODE = "code"
ORDER = (INTERPRETER, RUNTIME, PACKAGES, STEPS, CODE)
# 1980-01-01, the earliest time in a zip archive.
FIXED_TIME = 315_532_800


@dataclass(frozen=True)
class Layers:
    """Without an interpreter's layer, the image keeps its whole base."""

    folder: Path

    @property
    def beside_base(self) -> bool:
        return not (self.folder / INTERPRETER).is_dir()

    @contextmanager
    def layer(self, name: str) -> Iterator[Tree]:
        tree = Tree(self.folder / name, [self.folder / each for each in self._before(name)])
        yield tree
        packages = []
        if not self.beside_base:
            packages = owners(tree.copied)
            add_records(tree, packages, self.os_packages(name))
        self.note(name, packages=[asdict(package) for package in packages])
        tree.drop_empty_folders()
        _fix_times(tree.root)

    def os_packages(self, until: str) -> list[OsPackage]:
        if self.beside_base:
            return all_packages()
        found = {
            entry["name"]: OsPackage(**entry)
            for name in self._before(until)
            for entry in self.facts(name)["packages"]
        }
        return [found[name] for name in sorted(found)]

    def facts(self, name: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._notes(name).read_text(encoding="utf-8"))
        return facts

    def note(self, name: str, **facts: Any) -> None:
        path = self._notes(name)
        known = self.facts(name) if path.exists() else {}
        path.write_text(json.dumps(known | facts), encoding="utf-8")

    def _notes(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _before(self, name: str) -> list[str]:
        lower = ORDER[: ORDER.index(name)]
        return [each for each in lower if (self.folder / each).is_dir()]


def _fix_times(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (FIXED_TIME, FIXED_TIME), follow_symlinks=False)
