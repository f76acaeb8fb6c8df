import json
from pathlib import Path

import pytest

from deploygen.image import os_packages
from deploygen.image.os_packages import OsPackage, add_records, all_packages, owners
from deploygen.image.packages import installed
from deploygen.image.sbom import bill_of_materials
from deploygen.image.tree import Tree

DPKG_STATUS = """\
Package: libodd++1
Status: install ok installed
Architecture: amd64
Version: 1:2.0~rc1+b1-3
Description: the first line
 and more of it

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: bare
Status: install ok installed
Architecture: all
Version: 3
"""
APK_INSTALLED = """\
C:Q1abc=
P:musl
V:1.2.5-r9
A:x86_64
L:MIT
F:opt/agent-test
R:ld-musl-x86_64.so.1
Z:Q1def=

P:other
V:2
A:x86_64
F:opt/agent-test
R:other
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The package databases of both kinds in one system."""
    info = tmp_path / "root/var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info.parent / "status").write_text(DPKG_STATUS)
    (info / "libodd++1:amd64.list").write_text("/.\n/opt/agent-test\n/opt/agent-test/libodd.so\n")
    apk = tmp_path / "root/lib/apk/db"
    apk.mkdir(parents=True)
    (apk / "installed").write_text(APK_INSTALLED)
    return tmp_path / "root"


def test_the_owners_of_files_are_found_in_both_databases(root: Path) -> None:
    files = [Path("/opt/agent-test/libodd.so"), Path("/opt/agent-test/ld-musl-x86_64.so.1")]
    assert [package.name for package in owners(files, root)] == ["libodd++1", "musl"]
    assert owners([Path("/elsewhere/libodd.so")], root) == []


def test_the_owner_of_a_file_is_found_if_the_database_lists_a_symbolic_link(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "lib").symlink_to("usr")
    listing = root / "var/lib/dpkg/info/bare.list"
    listing.write_text(f"{tmp_path}/lib/libc.so.6\n")
    found = owners([(tmp_path / "usr").resolve() / "libc.so.6"], root)
    assert [package.name for package in found] == ["bare"]


def test_removed_packages_are_not_listed(root: Path) -> None:
    names = [package.name for package in all_packages(root)]
    assert names == ["bare", "libodd++1", "musl", "other"]


def test_a_system_without_databases_has_no_packages(tmp_path: Path) -> None:
    assert all_packages(tmp_path) == []


def test_package_urls_are_escaped(root: Path) -> None:
    urls = {
        each.name: each.purl({"ID": "debian", "VERSION_ID": "12"}) for each in all_packages(root)
    }
    assert urls["libodd++1"] == (
        "pkg:deb/debian/libodd%2B%2B1@1:2.0~rc1%2Bb1-3?arch=amd64&distro=debian-12"
    )
    assert all_packages(root)[2].purl({}) == "pkg:apk/linux/musl@1.2.5-r9?arch=x86_64"


def test_the_records_are_in_the_paths_that_scanners_read(root: Path, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "image")
    add_records(tree, all_packages(root))
    record = tree.inside(Path("/var/lib/dpkg/status.d/libodd++1")).read_text()
    assert record.startswith("Package: libodd++1\n")
    assert record.endswith(" and more of it\n")
    assert tree.inside(Path("/lib/apk/db/installed")).read_text().count("\n\n") == 2


def test_the_licences_of_debian_packages_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    licence = tmp_path / "doc" / "libodd" / "copyright"
    licence.parent.mkdir(parents=True)
    licence.write_text("Do as you like.\n")
    monkeypatch.setattr(os_packages, "DOCUMENTS", tmp_path / "doc")
    tree = Tree(tmp_path / "image")
    add_records(tree, [OsPackage("deb", "libodd", "1", "all", "", "Package: libodd")])
    assert tree.inside(licence).read_text() == "Do as you like.\n"


def test_the_bill_of_materials_lists_every_package_and_is_reproducible(
    root: Path, tmp_path: Path
) -> None:
    site = tmp_path / "venv/lib/python3.11/site-packages"
    for name, fields in {
        "Spdx_One": "License-Expression: MIT\n",
        "worded": "License: BSD\n of some kind\n",
        "silent": "",
    }.items():
        (site / f"{name}-1.dist-info").mkdir(parents=True)
        (site / f"{name}-1.dist-info/METADATA").write_text(f"Name: {name}\nVersion: 1\n{fields}")
    agent = {"name": "an-agent", "version": "1.2"}
    packages = installed(tmp_path / "venv")
    text = bill_of_materials(agent, packages, all_packages(root), {"ID": "debian"})
    assert text == bill_of_materials(agent, packages, all_packages(root), {"ID": "debian"})
    bill = json.loads(text)

    assert bill["metadata"]["component"]["version"] == "1.2"
    components = {component["name"]: component for component in bill["components"]}
    assert set(components) == {
        "python",
        "spdx-one",
        "worded",
        "silent",
        "bare",
        "libodd++1",
        "musl",
        "other",
    }
    assert components["spdx-one"]["purl"] == "pkg:pypi/spdx-one@1"
    assert components["spdx-one"]["licenses"] == [{"expression": "MIT"}]
    assert components["worded"]["licenses"] == [{"license": {"name": "BSD"}}]
    assert components["musl"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert "licenses" not in components["silent"]
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references)
    assert bill["dependencies"] == [{"ref": "image", "dependsOn": references}]
