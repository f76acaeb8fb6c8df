"""The layers of an image, written by the Python that runs the tests."""

import _ssl
import compileall
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from deploygen.image.__main__ import main
from deploygen.image.packages import site_of
from deploygen.image.standard_library import Interpreter
from tests.deploygen.image.lacking import lacking_library
from tests.deploygen.image.test_packages import LOCK, install

RUN_IN_CHROOT = """
import os, sys
os.chroot(sys.argv[1])
os.chdir("/")
os.execv(sys.argv[2], sys.argv[2:])
"""
ORDER = ("interpreter", "runtime", "packages", "code")
# path: mode, time, content or target
Listing = dict[str, tuple[int, float, bytes]]


class Stage:
    """The build stage of an agent: an environment, the code, and the layers."""

    def __init__(self, folder: Path) -> None:
        self.layers = folder / "layers"
        self.environment = folder / "venv"
        self.app = folder / "app"
        self.steps = folder / "steps"
        venv.create(self.environment, with_pip=False, symlinks=True)
        # It has the path of the environment, which is the same in each build.
        settings = self.environment / "pyvenv.cfg"
        settings.write_text(re.sub(r"(?m)^command = .*\n", "", settings.read_text()))
        install(self.site, "known-one", "known")
        self.lock = folder / "requirements.txt"
        self.lock.write_text(LOCK)
        self.write_app("agent.json", '{"name": "an-agent", "version": "1.2"}')
        self.write_app("handler.py", "def handle(inputs):\n    return inputs\n")
        self.write_app("requirements.txt", LOCK)
        self.write_app("agent_runtime/server.py", "number = 7\n")
        self.write_app("agent_runtime/image/tree.py", "")

    @property
    def site(self) -> Path:
        return site_of(self.environment)

    def write_app(self, name: str, text: str) -> None:
        (self.app / name).parent.mkdir(parents=True, exist_ok=True)
        (self.app / name).write_text(text)

    def arguments(self, layer: str, *more: str) -> list[str]:
        options = {
            "interpreter": [],
            "runtime": [
                f"--environment={self.environment}",
                f"--lock={self.lock}",
                f"--app={self.app}",
                "--archive",
            ],
            "packages": [f"--environment={self.environment}"],
            "steps": [f"--app={self.steps}"],
            "code": [f"--environment={self.environment}", f"--app={self.app}"],
        }
        return [layer, f"--layers={self.layers}", *options[layer], *more]

    def write(self, layer: str, *more: str) -> Path:
        assert main(self.arguments(layer, *more)) == 0
        return self.layers / layer

    def write_in_a_process(self, layer: str) -> Path:
        command = [sys.executable, "-m", "deploygen.image", *self.arguments(layer)]
        subprocess.run(command, check=True)
        return self.layers / layer


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the layers with the interpreter's, which takes long to write."""
    stage = Stage(tmp_path_factory.mktemp("interpreter"))
    return stage.write("interpreter").parent


@pytest.fixture
def stage(tmp_path: Path, interpreter: Path) -> Stage:
    return stage_on(interpreter, tmp_path)


def stage_on(interpreter: Path, folder: Path) -> Stage:
    stage = Stage(folder)
    stage.layers.mkdir()
    for name in ("interpreter", "interpreter.json"):
        (stage.layers / name).symlink_to(interpreter / name)
    return stage


@pytest.fixture(scope="module")
def layers(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all layers of an agent that has a package of its own."""
    stage = stage_on(interpreter, tmp_path_factory.mktemp("stage"))
    stage.write("runtime")
    install(stage.site, "theirs", "theirs")
    stage.write("packages")
    return stage.write("code").parent


@pytest.fixture(scope="module")
def image(layers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers on top of each other."""
    folder = tmp_path_factory.mktemp("whole") / "image"
    for name in ORDER:
        shutil.copytree(layers / name, folder, symlinks=True, dirs_exist_ok=True)
    return folder


def listing(folder: Path) -> Listing:
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mode,
            path.lstat().st_mtime,
            content(path),
        )
        for path in folder.rglob("*")
    }


def content(path: Path) -> bytes:
    if path.is_symlink():
        return str(path.readlink()).encode()
    return path.read_bytes() if path.is_file() else b""


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_the_image_has_python_and_the_agents_code(image: Path) -> None:
    interpreter = Interpreter.running()
    for path in (interpreter.archive, interpreter.executable.resolve(), interpreter.extensions):
        assert (image / path.relative_to("/")).exists(), path
    assert (image / "app/handler.py").is_file()
    assert list((image / "app/__pycache__").glob("handler.*.pyc"))
    assert (image / "venv/bin/python").is_symlink()
    assert not (image / "app/agent_runtime/image").exists()
    assert not (image / "app/requirements.txt").exists()
    assert (image / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert "agent:x:65532:65532" in (image / "etc/passwd").read_text()


def test_the_standard_library_is_an_archive_without_unneeded_parts(image: Path) -> None:
    archive = image / Interpreter.running().archive.relative_to("/")
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
    assert {"os.pyc", "asyncio/__init__.pyc", "encodings/utf_8.pyc", "email/mime/text.pyc"} <= names
    folders = {name.split("/")[0] for name in names}
    assert not folders & {"test", "idlelib", "tkinter", "ensurepip", "pip", "site-packages"}
    assert not [name for name in names if name.endswith(".py") or "/tests/" in name]
    assert "asyncio/" in names


def test_the_image_has_a_bill_of_materials(image: Path) -> None:
    bill = json.loads((image / "sbom.cdx.json").read_text())
    assert bill["metadata"]["component"]["name"] == "an-agent"
    names = {component["name"] for component in bill["components"]}
    assert {"python", "known-one", "theirs"} <= names


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_python_in_the_image_works_in_a_chroot(image: Path) -> None:
    code = (
        "import known, theirs, asyncio, ssl, sqlite3, ctypes, sys, json, handler;"
        "from agent_runtime import server;"
        "print(known.number, theirs.number, server.number, sys.prefix, json.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", RUN_IN_CHROOT, str(image), "/venv/bin/python", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": "/app"},
    )
    assert done.returncode == 0, done.stderr
    archive = Interpreter.running().archive
    assert done.stdout.split() == ["5", "5", "7", "/venv", f"{archive}/json/__init__.pyc"]


def test_no_two_layers_have_the_same_file(layers: Path) -> None:
    found = [name for layer in ORDER for name in files(layers / layer)]
    assert len(found) == len(set(found))
    assert {name for name in files(layers / "packages") if "theirs" not in name} == set()
    assert "app/agent_runtime/server.py" in files(layers / "runtime")
    assert {name.split(".")[0] for name in files(layers / "code")} == {
        "app/agent",
        "app/handler",
        "app/__pycache__/handler",
        "sbom",
    }


def test_no_layer_has_an_empty_folder_that_is_below_it(layers: Path) -> None:
    below: set[str] = set()
    for layer in ORDER:
        folders = {
            path.relative_to(layers / layer).as_posix(): any(path.iterdir())
            for path in (layers / layer).rglob("*")
            if path.is_dir() and not path.is_symlink()
        }
        assert {name for name, is_full in folders.items() if not is_full} & below == set()
        below |= folders.keys()


def test_the_layer_of_the_runtime_is_the_same_when_other_packages_came_first(
    tmp_path: Path,
) -> None:
    (one := tmp_path / "one").mkdir()
    (other := tmp_path / "other").mkdir()
    plain, full = Stage(one), Stage(other)
    install(full.site, "theirs", "theirs")
    assert listing(full.write("runtime")) == listing(plain.write("runtime"))
    packages = files(full.write("packages"))
    assert packages
    assert [name for name in packages if "theirs" not in name] == []


def test_a_layer_without_packages_is_empty(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("runtime")
    assert files(stage.write("packages", "--without-tests")) == set()


def test_the_same_sources_give_the_same_layers(stage: Stage, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    second = stage_on(stage.layers, other)
    for each in (stage, second):
        os.utime(each.app / "handler.py", (1, 1) if each is stage else None)
        each.write_in_a_process("runtime")
        install(each.site, "theirs", "theirs", {"theirs/a_set.py": b"S = {'a', 'b', 'c', 'd'}\n"})
        each.write_in_a_process("packages")
        each.write_in_a_process("code")
    for layer in ORDER[1:]:
        assert listing(stage.layers / layer) == listing(second.layers / layer)
    times = {time for layer in ORDER for _, time, _ in listing(stage.layers / layer).values()}
    assert times == {315_532_800.0}


def test_the_same_output_of_build_steps_gives_the_same_layer(tmp_path: Path) -> None:
    listings = []
    for number, names in enumerate((["a", "b"], ["b", "a"])):
        stage = Stage(tmp_path / str(number))
        (stage.steps / "models").mkdir(parents=True)
        for name in names:
            (stage.steps / f"models/{name}.py").write_text(f"name = {name!r}\n")
            (stage.steps / f"models/{name}.py").chmod(0o600 + 0o44 * number)
            os.utime(stage.steps / f"models/{name}.py", (number, number))
        (stage.steps / "latest").symlink_to("models/a.py")
        os.mkfifo(stage.steps / f"pipe-{number}")
        compileall.compile_dir(stage.steps, quiet=2)
        stage.write_in_a_process("runtime")
        listings.append(listing(stage.write_in_a_process("steps")))
    assert listings[0] == listings[1]
    tag = sys.implementation.cache_tag
    assert listings[0].keys() == {
        "app",
        "app/latest",
        "app/models",
        "app/models/a.py",
        "app/models/b.py",
        "app/models/__pycache__",
        f"app/models/__pycache__/a.{tag}.pyc",
        f"app/models/__pycache__/b.{tag}.pyc",
    }
    assert listings[0]["app/models/a.py"][:2] == (stat.S_IFREG | 0o644, 315_532_800.0)


def test_a_file_that_a_step_has_left_as_it_was_is_in_one_layer_only(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write_app("tools/fetch.py", "print(1)\n")
    shutil.copytree(stage.app / "tools", stage.steps / "tools")
    (stage.steps / "handler.py").write_text("overwritten = True\n")
    stage.write("runtime")
    steps = files(stage.write("steps"))
    code = files(stage.write("code"))
    assert "app/tools/fetch.py" in steps - code
    assert "app/handler.py" in steps & code


def test_beside_a_base_image_only_our_own_files_are_added(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert {path.name for path in stage.write("runtime").iterdir()} == {"venv", "app"}
    assert {path.name for path in stage.write("code").iterdir()} == {"app", "sbom.cdx.json"}


def test_a_library_that_only_a_package_needs_is_in_the_layer_of_packages(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, name = lacking_library()
    (system := tmp_path / "system").mkdir()
    shutil.copy(_ssl.__file__, system / name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(system))
    stage.write("runtime")
    install(stage.site, "theirs", "theirs", {"theirs/module.so": content})
    packages = files(stage.write("packages"))
    libraries = {path for path in packages if "theirs" not in path}
    assert libraries == {(system / name).relative_to("/").as_posix()}


def test_tests_of_packages_are_left_out_when_asked(stage: Stage) -> None:
    stage.write("runtime")
    more = {"theirs/tests/test_all.py": b"", "theirs/test/support.py": b""}
    install(stage.site, "theirs", "theirs", more)
    layer = stage.write("packages", "--without-tests")
    site = layer / "venv" / site_of(stage.environment).relative_to(stage.environment)
    assert not (site / "theirs/tests").exists()
    assert (site / "theirs/test/support.py").is_file()
    assert "theirs/tests" not in (site / "theirs-1.0.dist-info/RECORD").read_text()


def test_missing_libraries_and_certificates_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path)
    (stage.layers / "interpreter").mkdir(parents=True)
    (stage.layers / "interpreter.json").write_text('{"packages": []}')
    lacking, missing = lacking_library()
    install(stage.site, "Their_Package", "theirs", {"theirs/module.so": lacking})
    needy, own = lacking_library("libown")
    library = Path(_ssl.__file__).read_bytes()
    install(stage.site, "whole", "whole", {"whole/module.so": needy, f"whole.libs/{own}": library})

    stage.write("runtime")
    stage.write("packages")
    needed_by = (
        f"(it is needed by {stage.site / 'theirs/module.so'}). Loading this file will fail. "
        "If a package of the distribution has the library, add it to system_packages."
    )
    assert capsys.readouterr().err.splitlines() == [
        "note: no CA certificates were found; TLS will not trust any server",
        f"warning: Their_Package needs {missing}, which the base image does not have {needed_by}",
    ]
