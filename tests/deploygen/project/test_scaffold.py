import os
from pathlib import Path

import pytest

from deploygen.output.transaction import READY, WRITE
from deploygen.project.scaffold import ScaffoldError, name_for, write_scaffold
from deploygen.spec.file import read_spec


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "new-agent"
    assert write_scaffold(folder) == [folder / "agent.yaml", folder / "handler.py"]
    assert names(folder) == ["agent.yaml", "handler.py"]
    assert names(folder.parent) == ["new-agent"]
    assert read_spec(folder / "agent.yaml").spec().name == "new-agent"


def test_an_empty_folder_is_filled_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = Path().stat().st_ino
    write_scaffold(Path())
    assert names(tmp_path / "here") == ["agent.yaml", "handler.py"]
    assert Path(tmp_path / "here").stat().st_ino == before
    assert read_spec(Path("agent.yaml")).spec().name == "here"


def test_a_crashed_run_is_finished(tmp_path: Path) -> None:
    write_scaffold(tmp_path / "other")
    ready = tmp_path / "here" / READY / WRITE
    ready.mkdir(parents=True)
    (tmp_path / "other" / "agent.yaml").rename(tmp_path / "here" / "agent.yaml")
    (tmp_path / "other" / "handler.py").rename(ready / "handler.py")
    write_scaffold(tmp_path / "here")
    assert names(tmp_path / "here") == ["agent.yaml", "handler.py"]
    assert read_spec(tmp_path / "here" / "agent.yaml").spec()


def test_a_planted_change_does_not_overwrite_existing_files(tmp_path: Path) -> None:
    (tmp_path / READY / WRITE).mkdir(parents=True)
    (tmp_path / READY / WRITE / "mine").write_text("not mine")
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ScaffoldError, match="is not empty"):
        write_scaffold(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


def test_existing_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "handler.py").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    for name, message in (
        ("file", "not a folder"),
        ("full", "is not empty"),
        ("link", "not a folder"),
        ("file/below", "cannot be written"),
    ):
        with pytest.raises(ScaffoldError, match=message):
            write_scaffold(tmp_path / name)
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "handler.py").read_text()
    assert names(tmp_path / "empty") == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my-agent", "my-agent"),
        ("My Agent", "my-agent"),
        ("a..b__c", "a-b-c"),
        ("1.5", "1-5"),
        ("null", "null"),
        ("123", "123"),
        ("\u00e4", "my-agent"),
        ("register", "my-agent"),
        ("x" * 80, "x" * 63),
    ],
)
def test_the_agent_is_named_after_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert name_for(tmp_path / folder) == name
    write_scaffold(tmp_path / folder)
    assert read_spec(tmp_path / folder / "agent.yaml").spec().name == name


def test_a_parent_without_write_permission_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        tmp_path = Path("/proc")
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(ScaffoldError, match="cannot be written"):
        write_scaffold(tmp_path / "agent")
