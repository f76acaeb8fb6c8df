import os
from pathlib import Path

import pytest

from deploygen.project.modules import LARGEST_BYTES, MOST_MODULES, ModulesError, read_modules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec").mkdir()
    return tmp_path / "spec"


def assert_refused(folder: Path, message: str) -> None:
    with pytest.raises(ModulesError, match=message):
        read_modules(folder)


def test_only_modules_are_read_and_byte_for_byte(folder: Path) -> None:
    (folder / "handler.py").write_bytes("# \u00e4\r\nx = 1\n".encode())
    (folder / "more_2.py").write_text("")
    for name in ("README.md", "no-module.py", "1.py", ".hidden.py", "agent.yaml", ".env"):
        (folder / name).write_text("x")
    (folder / "below").mkdir()
    (folder / "below" / "deep.py").write_text("x")
    assert read_modules(folder) == {
        "handler.py": "# \u00e4\r\nx = 1\n",
        "more_2.py": "",
    }


def test_a_folder_may_have_no_modules(folder: Path) -> None:
    assert read_modules(folder) == {}


def test_a_link_must_stay_in_the_folder(folder: Path) -> None:
    (folder / "real.py").write_text("x = 1\n")
    (folder / "linked.py").symlink_to("real.py")
    assert read_modules(folder)["linked.py"] == "x = 1\n"
    (folder.parent / "outside.py").write_text("secret")
    (folder / "leads.py").symlink_to("../outside.py")
    assert_refused(folder, r"leads.py leads out of the folder")


def test_the_folder_may_be_a_symbolic_link(folder: Path) -> None:
    (folder / "handler.py").write_text("x")
    (folder.parent / "link").symlink_to(folder)
    assert read_modules(folder.parent / "link") == {"handler.py": "x"}


@pytest.mark.parametrize("name", ["json.py", "logging.py", "asyncio.py"])
def test_a_module_that_hides_one_of_pythons_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    assert_refused(folder, f"{name} would hide Python's own")


def test_a_module_that_is_not_utf_8_is_refused(folder: Path) -> None:
    (folder / "latin.py").write_bytes(b"# \xe4\n")
    assert_refused(folder, "latin.py is not UTF-8")


def test_a_pipe_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    assert_refused(folder, "pipe.py is not a file")


def test_a_broken_link_is_reported(folder: Path) -> None:
    (folder / "gone.py").symlink_to("nowhere.py")
    assert_refused(folder, r"gone.py: No such file")


def test_a_large_module_is_refused(folder: Path) -> None:
    with (folder / "large.py").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert_refused(folder, "large.py is larger than 1024 KiB")


def test_too_many_modules_are_refused(folder: Path) -> None:
    for number in range(MOST_MODULES + 1):
        (folder / f"m{number}.py").write_text("")
    assert_refused(folder, "more than 200 modules")
