"""Writes an agent's files, never over what somebody else wrote.

The folder is new, empty, or ours, by a marker with each file's hash. `force` overwrites what a user
changed, but never the handler.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploygen.output.content import Content, SourceFile, runs, sha256_of
from deploygen.output.transaction import (
    MARKER,
    change_folder,
    check_inside,
    files_in,
    finish_change,
    is_inside,
    locked,
    was_interrupted,
)

USERS_FILES = frozenset({"handler.py"})


class WritingError(Exception):
    pass


@dataclass(frozen=True)
class Plan:
    write: dict[str, Content] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def write_folder(
    folder: Path,
    files: Mapping[str, Content],
    *,
    users: frozenset[str] = USERS_FILES,
    force: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Write all `files`, contents by path, or none. Raises WritingError.

    `users` are only written if missing.
    """
    try:
        if folder.is_symlink():
            raise WritingError(f"{folder} is a symbolic link; give the folder that it leads to")
        if folder.exists() and not folder.is_dir():
            raise WritingError(f"{folder} exists already, and is not a folder")
        if dry_run and not folder.exists():
            return Plan(write=with_marker(files, users))
        with locked(folder):
            return _write(folder, files, users=users, force=force, dry_run=dry_run)
    except OSError as error:
        raise WritingError(f"{folder} cannot be written: {error.strerror or error}") from error


def unchanged_texts(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return the texts that nobody has changed. Raises WritingError."""
    recorded = _read_marker(folder) or {}
    return {
        path: (folder / path).read_text(encoding="utf-8")
        for path in paths
        if path in recorded and _hash_of_file(folder / path) == recorded[path]
    }


def _write(
    folder: Path, files: Mapping[str, Content], *, users: frozenset[str], force: bool, dry_run: bool
) -> Plan:
    if dry_run and was_interrupted(folder):
        raise WritingError(
            f"the last run was interrupted in {folder}; a run without --dry-run finishes it"
        )
    if _read_marker(folder) is None and any(files_in(folder)):
        raise WritingError(f"{folder} is not empty, and was not written by this command")
    if not dry_run:
        finish_change(folder)
    plan = _plan(folder, files, users=users, force=force)
    if not dry_run and (plan.write or plan.remove):
        change_folder(folder, plan.write, plan.remove)
    return plan


def _plan(
    folder: Path, files: Mapping[str, Content], *, users: frozenset[str], force: bool
) -> Plan:
    recorded = _read_marker(folder)
    if recorded is None:
        return Plan(write=with_marker(files, users))
    plan = Plan()
    changed, strange = [], []
    wanted = with_marker(files, users)
    for path in sorted(recorded.keys() | wanted.keys()):
        check_inside(folder, path)
        found = _hash_of_file(folder / path)
        text = wanted.get(path)
        if found is not None and path in users:
            plan.keep.append(path)
        elif text is not None and found == sha256_of(text) and _runs_alike(folder / path, text):
            plan.unchanged.append(path)
        elif found is not None and path not in {*recorded, *USERS_FILES, MARKER}:
            strange.append(path)
        else:
            if found is not None and path != MARKER and found != recorded.get(path):
                changed.append(path)
            if text is not None:
                plan.write[path] = text
            elif found is not None:
                plan.remove.append(path)
    if strange:
        raise WritingError(
            f"in {folder}, these files were not written by this command: {', '.join(strange)}; "
            "give them other names"
        )
    if changed and not force:
        raise WritingError(
            f"in {folder}, these files were changed: {', '.join(changed)}; --force overwrites them"
        )
    return plan


def with_marker(files: Mapping[str, Content], users: frozenset[str]) -> dict[str, Content]:
    """Return all files of a folder that is written anew."""
    hashes = {path: sha256_of(text) for path, text in files.items() if path not in users}
    marker = {
        "about": "Hashes of what generate_agent wrote here, to find what was changed since.",
        "files": hashes,
    }
    return {**files, MARKER: json.dumps(marker, indent=2, sort_keys=True) + "\n"}


def _read_marker(folder: Path) -> dict[str, str] | None:
    path = folder / MARKER
    if not os.path.lexists(path):
        return None
    try:
        hashes = dict(json.loads(path.read_text(encoding="utf-8"))["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise WritingError(f"{path} is not as this command wrote it") from error
    # It may be forged to make us remove files elsewhere.
    if path.is_symlink() or not all(is_inside(name) for name in hashes):
        raise WritingError(f"{path} is not as this command wrote it")
    return hashes


def _hash_of_file(path: Path) -> str | None:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(mode):
        return "not a file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _runs_alike(path: Path, content: Content) -> bool:
    return not isinstance(content, SourceFile) or runs(path) == content.runs
