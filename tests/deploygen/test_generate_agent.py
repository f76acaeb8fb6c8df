import io
import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def generate(*arguments: str) -> str:
    out = io.StringIO()
    call_command("generate_agent", *arguments, stdout=out)
    return out.getvalue()


def config(folder: str = "an-agent") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(folder, "agent.json").read_text())
    return document


def test_a_name_is_enough_and_the_registry_defaults_to_this_one() -> None:
    generate("an-agent")
    assert config()["registry"]["url"] == settings.REGISTRY_URL
    assert config()["agent_id"] == "an-agent"


@override_settings(REGISTRY_URL="https://registry.example")
def test_the_registry_defaults_to_the_setting_registry_url() -> None:
    generate("an-agent")
    assert config()["registry"]["url"] == "https://registry.example"


def test_every_option_is_written_to_the_agent() -> None:
    generate(
        "an-agent",
        "--registry-url",
        "http://reg:9000/",
        "--output",
        "there",
        "--agent-id",
        "A:1",
        "--port",
        "9001",
        "--ttl",
        "30",
        "--heartbeat-interval",
        "2.5",
        "--description",
        "Echoes.",
    )
    document_found = config("there")
    expected = {"name": "an-agent", "agent_id": "A:1", "description": "Echoes.", "port": 9001}
    assert {key: document_found[key] for key in expected} == expected
    assert document_found["registry"] == {
        "url": "http://reg:9000",
        "ttl_seconds": 30,
        "heartbeat_interval": 2.5,
    }


def test_without_a_registry_the_agent_has_none() -> None:
    generate("an-agent", "--no-registry")
    assert not {"registry", "extensions"} & set(config())
    assert not Path("an-agent", "agent_runtime/registry").exists()


def test_call_command_accepts_the_folder_as_a_string() -> None:
    call_command("generate_agent", "an-agent", output="there", stdout=io.StringIO())
    assert config("there")["name"] == "an-agent"


def test_the_output_lists_every_written_file() -> None:
    output = generate("an-agent")
    for path in Path("an-agent").rglob("*"):
        assert path.is_dir() or f"  write      {path.relative_to('an-agent')}\n" in output


def test_the_output_lists_kept_removed_and_unchanged_files() -> None:
    generate("an-agent")
    Path("an-agent", "handler.py").write_text("def handle(inputs): return {}\n")
    output = generate("an-agent", "--no-registry")
    assert "  keep       handler.py\n" in output
    assert "  remove     agent_runtime/registry/registration.py\n" in output
    assert "  unchanged  agent_runtime/server.py\n" in output


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["--registry-url", "http://localhost:9000"], "docker run --rm --network host an-agent"),
        (
            ["--registry-url", "http://reg:9000", "--port", "9001"],
            'docker run --rm -p 9001:9001 -e AGENT_HOST="$(hostname)" an-agent',
        ),
        (["--no-registry"], "docker run --rm -p 8000:8000 an-agent"),
    ],
)
def test_the_output_shows_how_to_run_the_agent(arguments: list[str], command: str) -> None:
    lines = [line.strip() for line in generate("an-agent", *arguments).splitlines()]
    assert command in lines
    assert "docker build -t an-agent an-agent" in lines
    assert ".venv/bin/pip install --require-hashes -r requirements.txt" in lines
    assert ".venv/bin/python -m agent_runtime" in lines


def test_the_shown_commands_quote_the_folder() -> None:
    output = generate("an-agent", "--output", "my agents/$(one)")
    [cd] = [line for line in output.splitlines() if line.startswith("  cd ")]
    assert shlex.split(cd) == ["cd", "my agents/$(one)"]


def test_a_dry_run_lists_files_and_writes_nothing() -> None:
    output = generate("an-agent", "--dry-run")
    assert output.startswith("Would do this in an-agent:\n")
    assert "  write      agent_runtime/server.py\n" in output
    assert "docker build" not in output
    assert os.listdir() == []  # noqa: PTH208 - the working directory itself


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["An Agent"], "SPEC_OR_NAME: "),
        (["register"], "SPEC_OR_NAME: "),
        (["a.yaml"], "a.yaml: it cannot be read: No such file"),
        (["a.yml"], "a.yml: it cannot be read: No such file"),
        (["a", "--no-registry", "--ttl", "9"], "--ttl: the agent has no registry"),
        (["a", "--no-registry", "--heartbeat-interval", "9"], "--heartbeat-interval: the agent"),
        (["a", "--init", "b"], "takes no SPEC_OR_NAME: leave 'a' out"),
        (["--init", "b", "--port", "8001"], "--init cannot be combined with --port"),
        (["--init", "b", "--port", "0"], "--init cannot be combined with --port"),
        (["a", "--agent-id", ""], "--agent-id: it must not be empty"),
        (["--init", "b", "--no-registry"], "--init cannot be combined with --no-registry"),
        (["a", "--agent-id", "a/b"], "--agent-id: "),
        (["a", "--port", "80"], "--port: "),
        (["a", "--ttl", "0"], "--ttl: "),
        (["a", "--ttl", "10", "--heartbeat-interval", "6"], "--heartbeat-interval: "),
        (["a", "--heartbeat-interval", "nan"], "--heartbeat-interval: "),
        (["a", "--description", "\x07"], "--description: "),
        (["a", "--registry-url", ""], "--registry-url: "),
        (["a", "--registry-url", "reg:9000"], "--registry-url: "),
        (["a", "--port", "http"], "argument --port: "),
        (["a", "--registry-url", "http://reg", "--no-registry"], "not allowed with"),
        ([], "SPEC_OR_NAME is missing"),
    ],
)
def test_an_invalid_argument_is_named_and_nothing_is_written(
    arguments: list[str], named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        generate(*arguments)
    assert os.listdir() == []  # noqa: PTH208


@override_settings(REGISTRY_URL="registry:9000")
def test_an_invalid_setting_is_named() -> None:
    with pytest.raises(CommandError, match="the setting REGISTRY_URL: "):
        generate("an-agent")


def test_changed_files_are_kept_unless_forced() -> None:
    generate("an-agent")
    Path("an-agent", "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(CommandError, match="Dockerfile; --force overwrites them"):
        generate("an-agent")
    assert Path("an-agent", "Dockerfile").read_text() == "FROM scratch\n"
    generate("an-agent", "--force")
    assert Path("an-agent", "Dockerfile").read_text() != "FROM scratch\n"


def test_a_file_in_place_of_the_output_folder_is_reported() -> None:
    Path("there").write_text("a file")
    with pytest.raises(CommandError, match=r"there exists already, and is not a folder"):
        generate("an-agent", "--output", "there")
