"""The dpkg and apk packages in the image, for vulnerability scanners."""

import os
import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .tree import Tree

DPKG = Path("/var/lib/dpkg")
APK = Path("/lib/apk/db/installed")
DPKG_RECORDS = DPKG / "status.d"  # where scanners look if there is no dpkg
DOCUMENTS = Path("/usr/share/doc")


@dataclass(frozen=True)
class OsPackage:
    kind: str
    name: str
    version: str
    architecture: str
    licence: str
    record: str

    def purl(self, distribution: dict[str, str]) -> str:
        """See purl-spec."""
        system, release = distribution.get("ID", "linux"), distribution.get("VERSION_ID", "")
        of = f"&distro={system}-{release}" if release else ""
        name = quote(self.name, safe="")
        version = quote(self.version, safe=":")
        return f"pkg:{self.kind}/{system}/{name}@{version}?arch={self.architecture}{of}"


def distribution_of_base() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def all_packages(root: Path = Path("/")) -> list[OsPackage]:
    packages = [package for package, _ in [*_of_dpkg(root), *_of_apk(root)]]
    return sorted(packages, key=lambda package: package.name)


def owners(files: Iterable[Path], root: Path = Path("/")) -> list[OsPackage]:
    """`files`: absolute, without symbolic links."""
    wanted = set(files)
    if not wanted:
        return []
    names = {path.name for path in wanted}
    found = [
        package
        for package, listed in [*_of_dpkg(root), *_of_apk(root)]
        if any(path.name in names and _real(path) in wanted for path in listed)
    ]
    return sorted(found, key=lambda package: package.name)


def files_of(names: Iterable[str], root: Path = Path("/")) -> dict[str, list[Path]]:
    """Return what these packages have installed, folders included."""
    wanted = set(names)
    return {
        package.name: listed
        for package, listed in [*_of_dpkg(root), *_of_apk(root)]
        if package.name in wanted
    }


def add_records(tree: Tree, packages: list[OsPackage], below: Iterable[OsPackage] = ()) -> None:
    for package in packages:
        if package.kind == "deb":
            tree.write(DPKG_RECORDS / package.name, package.record + "\n")
            licence = DOCUMENTS / package.name / "copyright"
            if licence.is_file():
                tree.copy(licence)
    of_apk = {each.name: each.record for each in (*below, *packages) if each.kind == "apk"}
    if of_apk:
        tree.write(APK, "".join(f"{of_apk[name]}\n\n" for name in sorted(of_apk)))
    release = Path("/etc/os-release")
    if packages and release.is_file():
        tree.copy(release)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path.parent), path.name)


def _of_dpkg(root: Path) -> Iterator[tuple[OsPackage, list[Path]]]:
    for record in _entries(root / DPKG.relative_to("/") / "status"):
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+): (.*)$", record))
        if "installed" not in fields.get("Status", "").split():
            continue
        name, architecture = fields["Package"], fields["Architecture"]
        package = OsPackage("deb", name, fields["Version"], architecture, "", record)
        info = root / DPKG.relative_to("/") / "info"
        listings = (info / f"{name}.list", info / f"{name}:{architecture}.list")
        listing = next(filter(Path.is_file, listings), None)
        files = listing.read_text().splitlines() if listing else []
        yield package, [Path(file) for file in files]


def _of_apk(root: Path) -> Iterator[tuple[OsPackage, list[Path]]]:
    for record in _entries(root / APK.relative_to("/")):
        lines = [line.split(":", 1) for line in record.splitlines() if ":" in line]
        fields = {key: value for key, value in lines if key in "PVAL"}
        files, folder = [], Path("/")
        for key, value in lines:
            if key == "F":
                folder = Path("/", value)
            elif key == "R":
                files.append(folder / value)
        name, version, architecture = (fields[key] for key in "PVA")
        licence = fields.get("L", "")
        yield OsPackage("apk", name, version, architecture, licence, record), files


def _entries(database: Path) -> list[str]:
    if not database.is_file():
        return []
    text = database.read_text(encoding="utf-8", errors="replace")
    return [entry for entry in re.split(r"\n\n+", text.strip("\n")) if entry]
