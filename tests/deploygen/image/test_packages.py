import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploygen.image.packages import finish, installed, locked_names, site_of

LOCK = "known-one==1.0 \\\n    --hash=sha256:00\n    # via -r x\nother==2 ; python_version >= '3'\n"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with a package of the lock file and one of the developer's."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    site = site_of(tmp_path / "venv")
    install(site, "Known_One", "known")
    install(site, "theirs", "theirs")
    return tmp_path / "venv"


def install(
    site: Path, project: str, package: str, more: Mapping[str, bytes] | None = None
) -> None:
    files = {
        f"{package}/__init__.py": f'"""About {package}."""\nfrom .part import number\n',
        f"{package}/part.py": "number = 5\n",
        f"{package}/template.py": "{{ no python }}\n",
        f"{package}/words.txt": "one two\n",
        f"{project}-1.0.dist-info/METADATA": f"Name: {project}\nVersion: 1.0\n",
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


@pytest.fixture
def finished(environment: Path, tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text(LOCK)
    finish(environment, tmp_path / "requirements.txt", Path("/venv"))
    return site_of(environment)


def test_the_names_in_the_lock_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(LOCK)
    assert locked_names(tmp_path / "lock") == {"known-one", "other"}


def test_locked_packages_have_bytecode_instead_of_sources(finished: Path) -> None:
    names = {path.name for path in (finished / "known").iterdir()}
    # A file that does not compile is not a module, and stays.
    assert names == {"__init__.pyc", "part.pyc", "template.py", "words.txt"}


def test_the_records_of_locked_packages_list_the_files_that_exist(finished: Path) -> None:
    [known, _] = installed(finished.parents[2])
    files = known.files or []
    assert [str(file) for file in files if not Path(str(file.locate())).exists()] == []
    assert "known/part.pyc" in map(str, files)
    assert "../../../bin/known" in map(str, files)
    assert not [file for file in files if str(file).endswith("part.pyc") and file.hash]


def test_other_packages_keep_all_their_files(finished: Path) -> None:
    names = {path.name for path in (finished / "theirs").iterdir()}
    assert names == {"__init__.py", "part.py", "template.py", "words.txt", "__pycache__"}
    compiled = {path.name.split(".")[0] for path in (finished / "theirs/__pycache__").iterdir()}
    assert compiled == {"__init__", "part"}


def test_every_package_keeps_its_metadata_and_licence(finished: Path) -> None:
    names = [package.metadata["Name"] for package in installed(finished.parents[2])]
    assert names == ["Known_One", "theirs"]
    assert len(list(finished.glob("*.dist-info/licenses/LICENSE"))) == 2


def test_activation_scripts_are_removed_and_other_scripts_stay(finished: Path) -> None:
    scripts = {path.name for path in (finished.parents[2] / "bin").iterdir()}
    assert {"known", "theirs", "python"} <= scripts
    assert not [name for name in scripts if "activate" in name.lower()]


def test_the_packages_can_be_imported(finished: Path) -> None:
    code = (
        "import known, theirs, inspect, importlib.resources as r;"
        "print(known.number, theirs.number, known.__doc__, theirs.__doc__,"
        "      r.files('known').joinpath('words.txt').read_text().strip(),"
        "      inspect.getsource(theirs.part).strip(), known.part.__spec__.cached)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(finished)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("5 5 None About theirs. one two number = 5 ")
    assert done.stdout.strip().endswith("known/part.pyc")
