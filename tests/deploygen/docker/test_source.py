"""The source of an image in its labels, as `generate_agent --build` gives it to Docker."""

import shlex
import subprocess
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command

COMMIT_TIME = "2026-03-04T05:06:07+01:00"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an agent in a folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.com")
        monkeypatch.setenv(f"GIT_{name}_DATE", COMMIT_TIME)
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/agent.yaml").write_text("name: an-agent\nregistry: false\n")
    (tmp_path / "agent/handler.py").write_text("def handle(inputs):\n    return inputs\n")
    (tmp_path / "other.txt").write_text("")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=All")
    return tmp_path


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - wherever this system has it
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def build_command() -> list[str]:
    output = StringIO()
    call_command("generate_agent", "agent/agent.yaml", build=True, dry_run=True, stdout=output)
    [line] = [each for each in output.getvalue().splitlines() if each.startswith("and then: ")]
    return shlex.split(line.removeprefix("and then: "))


def labels() -> dict[str, str]:
    command = build_command()
    values = [value for option, value in pairwise(command) if option == "--label"]
    return dict(value.removeprefix("org.opencontainers.image.").split("=", 1) for value in values)


def test_an_image_is_labelled_with_its_commit_and_the_commits_time(repository: Path) -> None:
    assert labels() == {
        "created": "2026-03-04T04:06:07Z",
        "revision": git("rev-parse", "HEAD"),
    }
    assert build_command()[:3] == ["SOURCE_DATE_EPOCH=1772597167", "docker", "build"]


def test_changes_of_the_agent_since_the_commit_are_shown(repository: Path) -> None:
    (repository / "other.txt").write_text("changed")
    assert labels()["revision"] == git("rev-parse", "HEAD")
    (repository / "agent/handler.py").write_text("def handle(inputs):\n    return {}\n")
    assert labels()["revision"] == git("rev-parse", "HEAD") + "-dirty"


@pytest.mark.parametrize(
    ("remote", "source"),
    [
        ("https://me:hunter2@git.example:8443/agents.git", "https://git.example:8443/agents.git"),
        ("ssh://git@git.example/agents.git", "ssh://git.example/agents.git"),
        ("/srv/agents.git", None),
    ],
)
def test_the_repository_is_named_without_credentials(
    repository: Path, remote: str, source: str | None
) -> None:
    git("remote", "add", "origin", remote)
    assert labels().get("source") == source
    assert "hunter2" not in str(build_command())


def test_the_time_can_be_chosen(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert labels()["created"] == "1970-01-01T00:00:00Z"
    assert "SOURCE_DATE_EPOCH=0" in build_command()


def test_without_a_repository_there_are_no_such_labels(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".git").rename(repository / "no-git")
    assert build_command()[:2] == ["docker", "build"]
    assert labels() == {}
