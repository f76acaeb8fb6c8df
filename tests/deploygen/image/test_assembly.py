"""An image's file system, assembled from the Python that runs the tests."""

import _ssl
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from deploygen.image import certificates
from deploygen.image.__main__ import main
from deploygen.image.certificates import BUNDLE, add_certificates
from deploygen.image.packages import site_of
from deploygen.image.standard_library import Interpreter, make_archive
from deploygen.image.tree import Tree
from tests.deploygen.image.lacking import lacking_library
from tests.deploygen.image.test_packages import LOCK, install

RUN_IN_CHROOT = """
import os, sys
os.chroot(sys.argv[1])
os.chdir("/")
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sources(tmp_path_factory.mktemp("sources"))


def make_sources(folder: Path) -> Path:
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    install(site_of(folder / "venv"), "known-one", "known")
    (folder / "app" / "build").mkdir(parents=True)
    (folder / "app" / "agent.json").write_text('{"name": "an-agent", "version": "1.2"}')
    (folder / "app" / "handler.py").write_text("def handle(inputs):\n    return inputs\n")
    (folder / "app" / "requirements.txt").write_text(LOCK)
    return folder


def assemble(sources: Path, image: Path, *more: str) -> Path:
    arguments = [
        f"--environment={sources / 'venv'}",
        f"--app={sources / 'app'}",
        f"--lock={sources / 'app' / 'requirements.txt'}",
    ]
    assert main([*arguments, f"--image={image}", *more]) == 0
    return image


@pytest.fixture(scope="module")
def image(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(sources, tmp_path_factory.mktemp("assembled") / "image")


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
    assert {"python", "known-one"} <= names


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_python_in_the_image_works_in_a_chroot(image: Path) -> None:
    code = (
        "import known, asyncio, ssl, sqlite3, ctypes, sys, json, handler;"
        "print(known.number, sys.prefix, handler.handle(3), json.__file__)"
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
    assert done.stdout.split() == ["5", "/venv", "3", f"{archive}/json/__init__.pyc"]


def test_beside_a_base_image_only_our_own_files_are_added(sources: Path, tmp_path: Path) -> None:
    image = assemble(sources, tmp_path / "image", "--beside-base")
    assert {path.name for path in image.iterdir()} == {"venv", "app", "sbom.cdx.json"}
    assert (image / "venv/lib").is_dir()


def test_missing_libraries_and_certificates_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = make_sources(tmp_path)
    site = site_of(sources / "venv")
    lacking, missing = lacking_library()
    install(site, "Their_Package", "theirs", {"theirs/module.so": lacking})
    needy, own = lacking_library("libown")
    library = Path(_ssl.__file__).read_bytes()
    install(site, "whole", "whole", {"whole/module.so": needy, f"whole.libs/{own}": library})
    monkeypatch.setattr(certificates, "KNOWN", ())
    nowhere = ssl.get_default_verify_paths()._replace(openssl_cafile="/nowhere.pem")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)

    assemble(sources, tmp_path / "image")
    output = capsys.readouterr().err
    needed_by = f"(it is needed by {site / 'theirs/module.so'}). What loads this file will fail."
    assert output.splitlines() == [
        f"warning: Their_Package needs {missing}, which the base image does not have {needed_by}",
        "note: no certificates of authorities were found; TLS will not trust any server",
    ]


def test_certificates_of_certifi_are_used_if_the_base_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "certifi").mkdir()
    (tmp_path / "certifi/cacert.pem").write_text("of certifi")
    monkeypatch.setattr(certificates, "KNOWN", (tmp_path / "nowhere.pem",))
    monkeypatch.setenv("SSL_CERT_FILE", "")
    real = ssl.get_default_verify_paths()
    elsewhere = real._replace(openssl_cafile="/opt/agent-test-ssl/cert.pem")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: elsewhere)
    tree = Tree(tmp_path / "image")

    assert add_certificates(tree, tmp_path) == tmp_path / "certifi/cacert.pem"
    assert tree.inside(BUNDLE).read_text() == "of certifi"
    # OpenSSL's default path leads to the bundle.
    assert tree.inside(Path("/opt/agent-test-ssl/cert.pem")).readlink() == BUNDLE
    (tmp_path / "certifi/cacert.pem").unlink()
    assert add_certificates(Tree(tmp_path / "empty"), tmp_path) is None


def test_the_archive_is_reproducible_and_has_entries_for_folders(tmp_path: Path) -> None:
    library = tmp_path / "library"
    for name in ("a/b/c.py", "x.py", "test/y.py", "a/tests/z.py", "config-3/w.py", "_pyio.py"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text("number = 1\n")
    (library / "gone.py").symlink_to("nowhere.py")
    interpreter = Interpreter(Path("/p"), library, Path("/e"), Path("/usr/lib/python399.zip"))
    content = make_archive(interpreter)
    assert content == make_archive(interpreter)
    (tmp_path / "archive.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "archive.zip") as archive:
        assert archive.namelist() == ["a/", "a/b/", "a/b/c.pyc", "x.pyc"]
    # zipimport finds a folder without __init__ by its entry.
    code = "import a.b.c; print(a.b.c.number, a.b.c.__spec__.origin)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "archive.zip")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("1 ")
    assert importlib.util.find_spec("_io") is not None


def test_a_python_with_an_unusual_layout_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    with pytest.raises(RuntimeError, match="no lib-dynload on its path"):
        Interpreter.running()
