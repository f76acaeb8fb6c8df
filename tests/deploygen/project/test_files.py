import os
import socket
from pathlib import Path
from typing import Any

import pytest

from deploygen.project import files
from deploygen.project.files import LARGE_BYTES, MOST_FILES, FilesError, Found, find_files
from tests.deploygen.specs import spec_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "agent.yaml").write_text("name: an-agent\n")
    return tmp_path / "spec"


def find(folder: Path, **keys: Any) -> Found:
    return find_files(folder / "agent.yaml", spec_of(**keys), folder.parent / "an-agent")


def found(folder: Path, **keys: Any) -> set[str]:
    return set(find(folder, **keys).files)


def write(folder: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def assert_refused(folder: Path, message: str, **keys: Any) -> None:
    with pytest.raises(FilesError, match=message):
        find(folder, **keys)


def test_modules_packages_and_data_are_found(folder: Path) -> None:
    paths = {"handler.py", "tools/__init__.py", "tools/deep/work.py", "prompts/a b.md", "data.json"}
    write(folder, *paths)
    assert found(folder) == paths


def test_the_spec_and_its_wheels_are_not_copied(folder: Path) -> None:
    write(folder, "wheels/tools-1.0-py3-none-any.whl", "wheels/README", "other.yaml")
    assert found(folder, requirements=["./wheels/tools-1.0-py3-none-any.whl"]) == {
        "wheels/README",
        "other.yaml",
    }


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git/config",
        ".venv/bin/python",
        "venv/bin/python",
        "node_modules/a/index.js",
        "web/node_modules/a.js",
        "tools/__pycache__/work.cpython-313.pyc",
        "work.pyc",
        ".env",
        "sub/.env",
        ".env.local",
        "production.env",
        "tls.key",
        "sub/tls.key",
        "id_rsa",
        ".netrc",
        "secrets/api_key",
    ],
)
def test_what_belongs_in_no_image_is_never_copied(folder: Path, path: str) -> None:
    write(folder, "handler.py", path)
    assert found(folder) == {"handler.py"}
    assert found(folder, include=["*", f"/{path}", ".*"]) == {"handler.py"}


def test_environments_and_generated_folders_are_not_copied(folder: Path) -> None:
    write(folder, "handler.py", "env/pyvenv.cfg", "env/bin/python", "an-agent/handler.py")
    write(folder, "build/.generated.json", "build/handler.py", "build/agent_runtime/x.py")
    output = folder / "an-agent"
    assert set(find_files(folder / "agent.yaml", spec_of(), output).files) == {"handler.py"}


def test_hidden_files_are_copied_if_a_pattern_names_them(folder: Path) -> None:
    write(folder, "handler.py", ".hidden", ".prompts/a.md", "sub/.hidden")
    assert found(folder) == {"handler.py"}
    assert found(folder, include=["*"]) == {"handler.py"}
    assert found(folder, include=["*", ".prompts/"]) == {"handler.py", ".prompts/a.md"}
    assert found(folder, include=["*", "/.hidden"]) == {"handler.py", ".hidden"}


def test_include_limits_and_exclude_overrides(folder: Path) -> None:
    write(folder, "handler.py", "data/a.csv", "data/raw/b.csv", "notes.txt", "tests/test_a.py")
    assert found(folder, include=["*.py", "data/"], exclude=["raw/", "/tests"]) == {
        "handler.py",
        "data/a.csv",
    }
    assert found(folder, exclude=["*.csv"]) == {"handler.py", "notes.txt", "tests/test_a.py"}


def test_a_link_must_lead_to_a_file_of_the_agent(folder: Path) -> None:
    write(folder, "real.py", ".env")
    (folder / "linked.py").symlink_to("real.py")
    assert find(folder).files["linked.py"].path.read_text() == "x"
    write(folder.parent, "outside.py")
    (folder / "leads.py").symlink_to("../outside.py")
    assert_refused(folder, r"leads.py leads out of the folder")
    assert found(folder, exclude=["leads.py"]) == {"real.py", "linked.py"}
    (folder / "leads.py").unlink()
    (folder / "settings").symlink_to(".env")
    assert_refused(folder, r"settings is a link to .env, which is left out")


def test_a_link_to_a_folder_is_refused(folder: Path) -> None:
    write(folder, "data/a.csv")
    (folder / "more").symlink_to("data")
    assert_refused(folder, "more is a link to a folder")
    assert found(folder, exclude=["/more"]) == {"data/a.csv"}


def test_the_folder_may_be_a_symbolic_link(folder: Path) -> None:
    write(folder, "handler.py")
    (folder.parent / "link").symlink_to(folder)
    assert found(folder.parent / "link") == {"handler.py"}


def test_what_is_no_file_is_left_out_with_a_note(folder: Path, monkeypatch: Any) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert find(folder).notes == [
            "pipe is left out: it is not a file",
            "socket is left out: it is not a file",
        ]


def test_private_keys_in_pem_files_are_left_out_with_a_note(folder: Path) -> None:
    write(folder, "authority.pem", text="-----BEGIN CERTIFICATE-----\n")
    write(folder, "own.pem", text="-----BEGIN EC PRIVATE KEY-----\n")
    assert found(folder) == {"authority.pem"}
    assert find(folder).notes[0].startswith("own.pem is left out: it holds a private key")


def test_files_that_the_generator_writes_are_left_out_with_a_note(folder: Path) -> None:
    write(folder, "README.md", "requirements.txt", "sub/README.md", ".gitignore")
    assert found(folder) == {"sub/README.md"}
    assert find(folder).notes == [
        "README.md is left out: the generator writes its own",
        "requirements.txt is not read: list its packages in the spec, by the key requirements",
    ]


@pytest.mark.parametrize("path", ["agent.json", "agent_runtime/x.py", "Dockerfile/x"])
def test_a_name_that_the_generator_needs_is_refused(folder: Path, path: str) -> None:
    write(folder, path)
    assert_refused(folder, f"{path} has a name that the generator needs")


def test_a_broken_link_is_reported(folder: Path) -> None:
    (folder / "gone.py").symlink_to("nowhere.py")
    assert_refused(folder, "gone.py is a link to nothing")


def test_a_name_that_cannot_be_printed_is_refused(folder: Path) -> None:
    write(folder, "a\nb")
    assert_refused(folder, r"has a file named 'a\\nb'")


def test_a_large_file_must_be_named(folder: Path) -> None:
    write(folder, "handler.py")
    with (folder / "model.bin").open("wb") as file:
        file.truncate(LARGE_BYTES + 1)
    assert_refused(folder, r"model.bin has 105 MB: name it in include")
    assert_refused(folder, r"model.bin has 105 MB", include=["**"])
    assert found(folder, include=["*", "*.bin"]) == {"handler.py", "model.bin"}
    assert found(folder, exclude=["*.bin"]) == {"handler.py"}


def test_too_many_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    write(folder, "a", "b", "c")
    assert found(folder) == {"a", "b", "c"}
    write(folder, "d")
    assert_refused(folder, "has more than 3 files: say which of them the agent needs")
    assert MOST_FILES == 10_000
