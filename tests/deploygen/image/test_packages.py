import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploygen.image.packages import installed, locked_names, make_small, site_of

LOCK = "known-one==1.0 \\\n    --hash=sha256:00\n    # via -r x\nother==2 ; python_version >= '3'\n"
LOCKED = {"known-one", "other"}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with a package of the lock file and one of the developer's."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    site = site_of(tmp_path / "venv")
    install(site, "Known_One", "known")
    install(site, "theirs", "theirs")
    install_module(site)
    return tmp_path / "venv"


def install(
    site: Path, project: str, package: str, more: Mapping[str, bytes] | None = None
) -> None:
    files = {
        f"{package}/__init__.py": f'"""About {package}."""\nfrom .part import number\n',
        f"{package}/part.py": "number = 5\n",
        f"{package}/template.py": "{{ no python }}\n",
        f"{package}/words.txt": "one two\n",
        f"{package}/py.typed": "",
        f"{package}/.agents/skill.md": "How to use it.\n",
        f"{project}-1.0.dist-info/METADATA": f"Name: {project}\nVersion: 1.0\n\nA long story.\n",
        f"{project}-1.0.dist-info/sboms/parts.json": "{}\n",
        f"{project}-1.0.dist-info/licenses/LICENSE": "Do as you like.\n",
    }
    contents = {name: text.encode() for name, text in files.items()} | dict(more or {})
    for name, content in contents.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    script = site.parents[2] / "bin" / package
    script.write_text("#!/venv/bin/python\n")
    record = "".join(f"{name},sha256=x,1\n" for name in [*contents, f"../../../bin/{package}"])
    record += f"{project}-1.0.dist-info/RECORD,,\n"
    (site / f"{project}-1.0.dist-info" / "RECORD").write_text(record)


def install_module(site: Path) -> None:
    """Install a package that is only Python, with a part of a namespace."""
    names = ("plain/part.py", "shared/plain.py", "plain/py.typed")
    for name in names:
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text('"""About it."""\nnumber = 6\n')
    (info := site / "other-1.0.dist-info").mkdir()
    (info / "METADATA").write_text("Name: other\nVersion: 1.0\n")
    lines = [*names, "other-1.0.dist-info/METADATA", "other-1.0.dist-info/RECORD"]
    (info / "RECORD").write_text("".join(f"{line},,\n" for line in lines))
    (site / "shared/theirs.py").write_text("number = 7\n")


@pytest.fixture
def finished(environment: Path) -> Path:
    make_small(environment, LOCKED, Path("/venv"), archived=True)
    return site_of(environment)


def test_the_names_in_the_lock_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(LOCK)
    assert locked_names(tmp_path / "lock") == LOCKED


def test_locked_packages_have_bytecode_instead_of_sources(finished: Path) -> None:
    names = {path.name for path in (finished / "known").iterdir()}
    # A file that does not compile is not a module, and stays.
    assert names == {"__init__.pyc", "part.pyc", "template.py", "words.txt"}


def test_locked_packages_that_are_only_python_are_in_an_archive(finished: Path) -> None:
    with zipfile.ZipFile(finished / "packages.zip") as archive:
        assert archive.namelist() == ["plain/", "shared/", "plain/part.pyc", "shared/plain.pyc"]
    assert not (finished / "plain").exists()
    assert [path.name for path in (finished / "shared").iterdir()] == ["theirs.py"]
    assert (finished / "other-1.0.dist-info/top_level.txt").read_text() == "plain\nshared\n"


def test_without_an_archive_they_stay_where_they_are(environment: Path) -> None:
    make_small(environment, LOCKED, Path("/venv"), archived=False)
    site = site_of(environment)
    assert (site / "plain/part.pyc").is_file()
    assert not (site / "packages.zip").exists()


def test_the_records_of_locked_packages_list_the_files_that_exist(finished: Path) -> None:
    [known, other, _] = installed(finished.parents[2])
    files = [*(known.files or []), *(other.files or [])]
    assert [str(file) for file in files if not Path(str(file.locate())).exists()] == []
    assert {"known/part.pyc", "../../../bin/known", "packages.zip"} <= set(map(str, files))
    assert not [
        file for file in files if str(file).endswith(("part.pyc", "METADATA")) and file.hash
    ]


def test_other_packages_keep_all_their_files(finished: Path) -> None:
    files = {path.relative_to(finished / "theirs") for path in (finished / "theirs").rglob("*.*")}
    assert {str(path) for path in files} == {
        "__init__.py",
        "part.py",
        "template.py",
        "words.txt",
        "py.typed",
        ".agents",
        ".agents/skill.md",
    }
    assert (finished / "theirs-1.0.dist-info/sboms/parts.json").is_file()


def test_every_package_keeps_its_metadata_and_licence(finished: Path) -> None:
    packages = installed(finished.parents[2])
    assert [package.metadata["Name"] for package in packages] == ["Known_One", "other", "theirs"]
    assert len(list(finished.glob("*.dist-info/licenses/LICENSE"))) == 2
    assert "A long story." in (finished / "theirs-1.0.dist-info/METADATA").read_text()


def test_descriptions_and_bills_of_locked_packages_are_left_out(finished: Path) -> None:
    info = finished / "Known_One-1.0.dist-info"
    assert (info / "METADATA").read_text() == "Name: Known_One\nVersion: 1.0\n"
    assert not (info / "sboms").exists()


def test_the_packages_can_be_imported(finished: Path) -> None:
    code = (
        f"import site; site.addsitedir({str(finished)!r});"
        "import known, theirs, plain.part, shared.plain, shared.theirs;"
        "import inspect, importlib.metadata, importlib.resources as r;"
        "print(plain.part.number, shared.plain.number, shared.theirs.number,"
        "      importlib.metadata.packages_distributions()['plain'],"
        "      known.number, theirs.number, known.__doc__, theirs.__doc__,"
        "      r.files('known').joinpath('words.txt').read_text().strip(),"
        "      inspect.getsource(theirs.part).strip(), known.part.__spec__.cached)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("6 6 7 ['other'] 5 5 None About theirs. one two number = 5 ")
    assert done.stdout.strip().endswith("known/part.pyc")
