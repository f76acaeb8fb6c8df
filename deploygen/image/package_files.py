"""PyPA, "Recording installed projects"."""

import csv
import io
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

INFO = ".dist-info"
TYPES = ("py.typed", ".pyi")
# Bills of materials; the image has its own.
BILLS = "sboms"


class PackageFiles:
    """Paths are relative to site-packages. `write_record` saves the changes."""

    def __init__(self, package: Distribution, site: Path) -> None:
        self.site = site
        lines = csv.reader((package.read_text("RECORD") or "").splitlines())
        self._lines = {line[0]: line for line in lines if line}

    def sources(self) -> list[str]:
        return [name for name in self._modules() if name.endswith(".py")]

    def drop_superfluous(self) -> None:
        for name in list(self._lines):
            path = PurePosixPath(name)
            hidden = any(part.startswith(".") and part != ".." for part in path.parts)
            of_bill = path.parts[0].endswith(INFO) and path.parts[1:2] == (BILLS,)
            if hidden or of_bill or name.endswith(TYPES):
                self._remove(name)

    def cut_description(self) -> None:
        for name in self._lines:
            if name.endswith(f"{INFO}/METADATA"):
                text = (self.site / name).read_text(encoding="utf-8")
                (self.site / name).write_text(text.split("\n\n", 1)[0] + "\n", encoding="utf-8")
                self._lines[name] = [name, "", ""]

    def are_modules(self, modules: Mapping[str, bytes]) -> bool:
        return bool(modules) and set(self._modules()) <= modules.keys()

    def replace_sources(self, modules: Mapping[str, bytes]) -> None:
        for name, content in modules.items():
            self._write(f"{name}c", content)
            self._remove(name)

    def move_to_archive(self, modules: Mapping[str, bytes], archive: str) -> None:
        for name in modules:
            self._remove(name)
        self._lines[archive] = [archive, "", ""]
        # packages_distributions() cannot find it by RECORD.
        info = next(name.split("/")[0] for name in self._lines if f"{INFO}/" in name)
        tops = sorted({name.split("/")[0].removesuffix(".py") for name in modules})
        self._write(f"{info}/top_level.txt", "".join(f"{top}\n" for top in tops).encode())

    def forget_missing(self) -> None:
        for name in list(self._lines):
            if not (self.site / name).exists():
                del self._lines[name]

    def write_record(self) -> None:
        [record] = [name for name in self._lines if name.endswith(f"{INFO}/RECORD")]
        text = io.StringIO()
        lines = [self._lines[name] for name in sorted(self._lines)]
        csv.writer(text, lineterminator="\n").writerows(lines)
        (self.site / record).write_text(text.getvalue(), encoding="utf-8")

    def _modules(self) -> Iterator[str]:
        for name in self._lines:
            # Scripts keep their sources.
            first = name.split("/")[0]
            if first != ".." and not first.endswith(INFO) and (self.site / name).is_file():
                yield name

    def _write(self, name: str, content: bytes) -> None:
        (self.site / name).write_bytes(content)
        self._lines[name] = [name, "", ""]

    def _remove(self, name: str) -> None:
        del self._lines[name]
        path = self.site / name
        path.unlink(missing_ok=True)
        while (path := path.parent) != self.site and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def forget_missing_files(package: Distribution) -> None:
    site = Path(str(package.locate_file("")))
    files = PackageFiles(package, site)
    files.forget_missing()
    files.write_record()
