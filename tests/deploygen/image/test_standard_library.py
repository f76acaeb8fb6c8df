"""The archive of the standard library."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploygen.image.standard_library import Interpreter, make_archive


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
