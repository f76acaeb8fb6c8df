import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from deploygen.output import transaction, writing
from deploygen.output.transaction import MARKER
from deploygen.output.writing import WritingError, write_folder

FILES = {"handler.py": "theirs\n", "server.py": "ours\n", "sub/more.txt": "\u00e4\n"}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder written by an earlier run."""
    write_folder(tmp_path / "agent", FILES)
    return tmp_path / "agent"


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which can end a run anywhere."""


def break_at(monkeypatch: pytest.MonkeyPatch, count: int, error: BaseException) -> None:
    """Make the `count`th rename or replace of a file raise `error`."""
    left = [count]
    for name in ("replace", "rename"):
        real = getattr(Path, name)

        def breaking(self: Path, target: Any, real: Any = real) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise error
            return real(self, target)

        monkeypatch.setattr(Path, name, breaking)


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    plan = write_folder(folder, FILES)
    assert sorted(plan.write) == sorted([*FILES, MARKER])
    found = contents(folder)
    assert {name: found[name] for name in FILES} == FILES
    assert set(found) == {*FILES, MARKER}
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    assert set(contents(tmp_path)) == {*FILES, MARKER}


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", FILES)
    write_folder(tmp_path / "b", dict(reversed(FILES.items())))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_modes_follow_the_umask(folder: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask
    assert (folder / "server.py").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_second_run_changes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    plan = write_folder(folder, FILES)
    assert (plan.write, plan.remove, plan.keep) == ({}, [], ["handler.py"])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_unchanged_files_are_replaced_and_obsolete_ones_removed(folder: Path) -> None:
    plan = write_folder(folder, {"handler.py": "new\n", "server.py": "new\n", "new.py": "new\n"})
    assert sorted(plan.write) == [MARKER, "new.py", "server.py"]
    assert plan.remove == ["sub/more.txt"]
    assert not (folder / "sub").exists()
    found = contents(folder)
    assert set(found) == {MARKER, "handler.py", "new.py", "server.py"}
    assert found["server.py"] == "new\n"
    assert found["handler.py"] == "theirs\n"


@pytest.mark.parametrize("force", [False, True])
def test_the_handler_is_never_overwritten(folder: Path, force: bool) -> None:
    (folder / "handler.py").write_text("changed\n")
    write_folder(folder, {**FILES, "handler.py": "new\n"}, force=force)
    assert (folder / "handler.py").read_text() == "changed\n"


def test_the_handler_is_kept_even_if_it_is_no_longer_generated(folder: Path) -> None:
    write_folder(folder, {"server.py": "ours\n"}, force=True)
    assert (folder / "handler.py").read_text() == "theirs\n"


def test_deleted_files_are_written_again(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()
    (folder / "sub").rmdir()
    write_folder(folder, FILES)
    assert set(contents(folder)) == {*FILES, MARKER}


@pytest.mark.parametrize("files", [FILES, {**FILES, "server.py": "new\n"}, {"new.py": "new\n"}])
def test_a_changed_file_stops_the_whole_run(folder: Path, files: dict[str, str]) -> None:
    (folder / "server.py").write_text("changed\n")
    before = contents(folder)
    with pytest.raises(WritingError, match=r"these files were changed: server\.py; --force"):
        write_folder(folder, files)
    assert contents(folder) == before


def test_changed_files_are_overwritten_by_force(folder: Path) -> None:
    (folder / "server.py").write_text("changed\n")
    write_folder(folder, FILES, force=True)
    assert (folder / "server.py").read_text() == "ours\n"


def test_changed_obsolete_files_are_removed_by_force(folder: Path) -> None:
    (folder / "server.py").write_text("changed\n")
    write_folder(folder, {"new.py": "new\n"}, force=True)
    assert not (folder / "server.py").exists()


def test_a_changed_file_with_the_new_content_is_no_conflict(folder: Path) -> None:
    (folder / "server.py").write_text("new\n")
    plan = write_folder(folder, {**FILES, "server.py": "new\n"})
    assert "server.py" in plan.unchanged
    assert write_folder(folder, FILES).write.keys() == {MARKER, "server.py"}


def test_the_users_own_files_are_kept(folder: Path) -> None:
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_text("w")
    (folder / ".env").write_text("e")
    write_folder(folder, {"new.py": "new\n"})
    assert (folder / "model" / "weights").read_text() == "w"
    assert (folder / ".env").read_text() == "e"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_we_did_not_write_is_refused(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WritingError, match="not empty, and was not written by this command"):
        write_folder(tmp_path, FILES, force=force)
    assert contents(tmp_path) == {"thesis.txt": "years of work"}


@pytest.mark.parametrize("force", [False, True])
def test_a_file_in_our_folder_that_we_did_not_write_is_refused(folder: Path, force: bool) -> None:
    (folder / "new.py").write_text("mine\n")
    before = contents(folder)
    with pytest.raises(WritingError, match=r"not written by this command: new\.py"):
        write_folder(folder, {**FILES, "new.py": "new\n"}, force=force)
    assert contents(folder) == before


def test_a_symbolic_link_in_place_of_a_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("ours\n")
    (folder / "server.py").unlink()
    (folder / "server.py").symlink_to(outside)
    with pytest.raises(WritingError, match=r"server\.py"):
        write_folder(folder, FILES)
    write_folder(folder, {**FILES, "server.py": "new\n"}, force=True)
    assert outside.read_text() == "ours\n"
    assert (folder / "server.py").read_text() == "new\n"
    assert not (folder / "server.py").is_symlink()


def test_a_symbolic_link_as_the_output_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("link", "dangling"):
        with pytest.raises(WritingError, match="symbolic link"):
            write_folder(tmp_path / name, FILES)
    assert contents(tmp_path / "real") == {}


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WritingError, match="not a folder"):
        write_folder(tmp_path / "file", FILES)
    with pytest.raises(WritingError, match="cannot be written: Not a directory"):
        write_folder(tmp_path / "file" / "agent", FILES)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "marker",
    [
        "",
        "{",
        "[]",
        "null",
        '{"files": 1}',
        '{"files": {"../outside": "0"}}',
        '{"files": {"/etc/passwd": "0"}}',
        '{"files": {"a/../../b": "0"}}',
        "{}",
    ],
)
def test_a_marker_that_we_did_not_write_is_refused(folder: Path, marker: str) -> None:
    (folder / MARKER).write_text(marker)
    with pytest.raises(WritingError, match="not as this command wrote it"):
        write_folder(folder, FILES, force=True)


def test_a_marker_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / MARKER).rename(tmp_path / "marker")
    (folder / MARKER).symlink_to(tmp_path / "marker")
    with pytest.raises(WritingError, match="not as this command wrote it"):
        write_folder(folder, FILES)


def test_a_dry_run_returns_the_same_plan_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    new = {**FILES, "server.py": "new\n"}
    planned = write_folder(folder, new, dry_run=True)
    assert contents(folder) == before
    assert planned == write_folder(folder, new)
    write_folder(tmp_path / "other", FILES, dry_run=True)
    assert not (tmp_path / "other").exists()


def test_a_dry_run_refuses_what_a_run_refuses(folder: Path) -> None:
    (folder / "server.py").write_text("changed\n")
    with pytest.raises(WritingError, match="--force"):
        write_folder(folder, FILES, dry_run=True)


# --- Interruptions and faults -----------------------------------------------------------------


CHANGED = {"server.py": "new\n", "new.py": "new\n"}  # sub/more.txt is obsolete


def after_the_change() -> dict[str, str]:
    return {**CHANGED, "handler.py": "theirs\n"}


def without_marker(found: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if name != MARKER}


def test_an_interrupted_first_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_at(patch, 1, Interrupted())
        with pytest.raises(Interrupted):
            write_folder(tmp_path / "agent", FILES)
    assert list(tmp_path.iterdir()) == []


# The first rename marks the staging as complete; each written file takes another.
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_an_interrupted_change_is_applied_wholly_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    before = contents(folder)
    with monkeypatch.context() as patch:
        break_at(patch, count, Interrupted())
        with pytest.raises(Interrupted):
            write_folder(folder, CHANGED)
    if count == 1:
        assert contents(folder) == before
    else:
        assert without_marker(contents(folder)) == after_the_change()
    assert without_marker(contents(folder)) in (without_marker(before), after_the_change())


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_crashed_change_is_finished_by_the_next_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    crash(monkeypatch, folder, CHANGED, count)
    assert transaction.was_interrupted(folder) == (count > 1)
    if count > 1:
        with pytest.raises(WritingError, match="interrupted"):
            write_folder(folder, CHANGED, dry_run=True)
    write_folder(folder, CHANGED)
    assert without_marker(contents(folder)) == after_the_change()
    assert not (folder / "sub").exists()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_crashed_change_is_finished_before_another_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    crash(monkeypatch, folder, CHANGED, count)
    write_folder(folder, FILES)
    assert without_marker(contents(folder)) == FILES


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_crashed_first_run_into_an_empty_folder_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    crash(monkeypatch, tmp_path, FILES, count)
    write_folder(tmp_path, {"server.py": "new\n"})
    assert contents(tmp_path).keys() == {MARKER, "handler.py", "server.py"}


def crash(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str], count: int) -> None:
    """Crash at the `count`th rename of a change, as by kill -9, without any cleanup."""
    finish = transaction.finish_change
    calls: list[Path] = []

    def once(folder: Path) -> None:
        calls.append(folder)
        # The first call finishes an earlier run, the second this change.
        if len(calls) <= 2:
            finish(folder)

    with monkeypatch.context() as patch:
        break_at(patch, count, Interrupted())
        patch.setattr(transaction, "finish_change", once)
        patch.setattr(writing, "finish_change", once)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Interrupted):
            write_folder(folder, files)


def test_an_empty_folder_with_the_remains_of_a_crash_is_filled(tmp_path: Path) -> None:
    (tmp_path / transaction.STAGING / transaction.WRITE).mkdir(parents=True)
    write_folder(tmp_path, FILES)
    assert set(contents(tmp_path)) == {*FILES, MARKER}


def test_a_full_disk_is_reported_and_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(folder)
    monkeypatch.setattr(os, "fsync", full)
    for target in (folder, tmp_path / "new"):
        with pytest.raises(WritingError, match=rf"{target} cannot be written: No space left"):
            write_folder(target, {"server.py": "new\n"})
    assert contents(tmp_path) == {f"agent/{name}": text for name, text in before.items()}


def test_a_folder_without_write_permission_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(WritingError, match="cannot be written: Permission denied"):
        write_folder(tmp_path / "agent", FILES)


def test_a_second_run_at_the_same_time_is_refused(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(WritingError, match="another run is writing it"):
            write_folder(folder, FILES)
    finally:
        os.close(descriptor)


def test_the_marker_lists_the_written_files(folder: Path) -> None:
    marker = json.loads((folder / MARKER).read_text())
    assert set(marker["files"]) == {"server.py", "sub/more.txt"}


NO_USER_FILES: frozenset[str] = frozenset()


def test_a_handler_copied_from_its_source_is_treated_like_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    write_folder(folder, FILES, users=NO_USER_FILES)
    plan = write_folder(folder, {**FILES, "handler.py": "newer\n"}, users=NO_USER_FILES)
    assert "handler.py" in plan.write
    assert contents(folder)["handler.py"] == "newer\n"

    (folder / "handler.py").write_text("changed here\n")
    with pytest.raises(WritingError, match=r"these files were changed: handler.py"):
        write_folder(folder, FILES, users=NO_USER_FILES)
    assert contents(folder)["handler.py"] == "changed here\n"
    write_folder(folder, FILES, users=NO_USER_FILES, force=True)
    assert contents(folder)["handler.py"] == "theirs\n"


def test_a_filled_in_handler_is_not_overwritten_by_a_copied_one(folder: Path) -> None:
    (folder / "handler.py").write_text("filled in\n")
    with pytest.raises(WritingError, match=r"these files were changed: handler.py"):
        write_folder(folder, {**FILES, "handler.py": "newer\n"}, users=NO_USER_FILES)
    write_folder(folder, {"server.py": "ours\n"}, users=NO_USER_FILES)
    assert contents(folder)["handler.py"] == "filled in\n"


def test_a_copied_handler_is_kept_when_it_no_longer_has_a_source(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    write_folder(folder, {**FILES, "handler.py": "from elsewhere\n"}, users=NO_USER_FILES)
    plan = write_folder(folder, FILES)
    assert plan.keep == ["handler.py"]
    assert contents(folder)["handler.py"] == "from elsewhere\n"


# --- Planted links and changes ----------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside the output, with files of someone else."""
    (folder := tmp_path / "outside").mkdir()
    (folder / "tree.py").write_text("theirs\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "more.txt").write_text("theirs\n")
    return folder


def plant_change(folder: Path, *removed: str, **written: str) -> None:
    """Put a staged change, ready to be finished, into a folder."""
    for part, files in (
        (transaction.REMOVE, dict.fromkeys(removed, "")),
        (transaction.WRITE, written),
    ):
        for name, text in files.items():
            path = folder / transaction.READY / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def replace_by_link(path: Path, target: Path) -> None:
    for each in path.iterdir():
        each.unlink()
    path.rmdir()
    path.symlink_to(target)


@pytest.mark.parametrize("name", [transaction.STAGING, transaction.READY])
def test_a_link_in_place_of_the_staging_folder_is_refused(
    folder: Path, outside: Path, name: str
) -> None:
    plant_change(outside, "tree.py")
    before = contents(outside)
    (folder / name).symlink_to(outside / transaction.READY)
    with pytest.raises(WritingError, match="not as this command made it"):
        write_folder(folder, {"server.py": "new\n"})
    assert contents(outside) == before
    assert (folder / "server.py").read_text() == "ours\n"


@pytest.mark.parametrize("part", [transaction.WRITE, transaction.REMOVE])
def test_a_link_inside_the_staging_folder_is_refused(
    folder: Path, outside: Path, part: str
) -> None:
    before = contents(outside)
    (folder / transaction.READY).mkdir()
    (folder / transaction.READY / part).symlink_to(outside)
    with pytest.raises(WritingError, match="is a symbolic link"):
        write_folder(folder, {"server.py": "new\n"})
    assert contents(outside) == before
    assert (folder / "server.py").read_text() == "ours\n"


def test_a_planted_change_in_a_folder_that_is_not_ours_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "more.txt").write_text("more of it")
    plant_change(tmp_path, "more.txt", **{"thesis.txt": "nothing"})
    with pytest.raises(WritingError, match="not written by this command"):
        write_folder(tmp_path, FILES)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "more.txt").read_text() == "more of it"


def test_a_folder_in_place_of_a_file_is_refused_before_any_change(
    folder: Path,
) -> None:
    (folder / "server.py").unlink()
    (folder / "server.py").mkdir()
    (folder / "server.py" / "theirs").write_text("theirs\n")
    before = contents(folder)
    with pytest.raises(WritingError, match="is a folder"):
        write_folder(folder, {**FILES, "server.py": "new\n", "a.py": "new\n"}, force=True)
    assert contents(folder) == before


@pytest.mark.parametrize("files", [{**FILES, "sub/more.txt": "new\n"}, {"new.py": ""}, FILES])
@pytest.mark.parametrize("force", [False, True])
def test_a_link_in_place_of_a_subfolder_is_not_followed(
    folder: Path, outside: Path, files: dict[str, str], force: bool
) -> None:
    (outside / "more.txt").write_text(FILES["sub/more.txt"])
    before = contents(outside)
    replace_by_link(folder / "sub", outside)
    with pytest.raises(WritingError, match="sub is a symbolic link"):
        write_folder(folder, files, force=force)
    assert contents(outside) == before


def test_an_interrupted_change_is_not_finished_through_a_link(folder: Path, outside: Path) -> None:
    before = contents(outside)
    plant_change(folder, "sub/more.txt")
    replace_by_link(folder / "sub", outside / "sub")
    with pytest.raises(WritingError, match="sub is a symbolic link"):
        write_folder(folder, {"new.py": ""})
    assert contents(outside) == before
