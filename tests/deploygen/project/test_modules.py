import os
from pathlib import Path

import pytest

from deploygen.project.modules import LARGEST_BYTES, MOST_MODULES, ModulesError, read_modules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec").mkdir()
    return tmp_path / "spec"


def assert_refused(folder: Path, said: str) -> None:
    with pytest.raises(ModulesError, match=said):
        read_modules(folder)


def test_modules_are_taken_byte_for_byte_and_nothing_else_is(folder: Path) -> None:
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


def test_there_may_be_none(folder: Path) -> None:
    assert read_modules(folder) == {}


def test_a_link_must_stay_in_the_folder(folder: Path) -> None:
    (folder / "real.py").write_text("x = 1\n")
    (folder / "linked.py").symlink_to("real.py")
    assert read_modules(folder)["linked.py"] == "x = 1\n"
    (folder.parent / "outside.py").write_text("secret")
    (folder / "leads.py").symlink_to("../outside.py")
    assert_refused(folder, r"leads.py leads out of the folder")


def test_a_spec_may_be_reached_by_a_link(folder: Path) -> None:
    (folder / "handler.py").write_text("x")
    (folder.parent / "link").symlink_to(folder)
    assert read_modules(folder.parent / "link") == {"handler.py": "x"}


@pytest.mark.parametrize("name", ["json.py", "logging.py", "asyncio.py"])
def test_a_module_hides_none_of_pythons_own(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    assert_refused(folder, f"{name} would hide Python's own")


def test_what_is_no_text_is_refused(folder: Path) -> None:
    (folder / "latin.py").write_bytes(b"# \xe4\n")
    assert_refused(folder, "latin.py is not UTF-8")


def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    assert_refused(folder, "pipe.py is not a file")


def test_a_broken_link_is_told(folder: Path) -> None:
    (folder / "gone.py").symlink_to("nowhere.py")
    assert_refused(folder, r"gone.py: No such file")


def test_sizes_are_bounded(folder: Path) -> None:
    with (folder / "large.py").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert_refused(folder, "large.py is larger than 1024 KiB")


def test_numbers_are_bounded(folder: Path) -> None:
    for number in range(MOST_MODULES + 1):
        (folder / f"m{number}.py").write_text("")
    assert_refused(folder, "more than 200 modules")
