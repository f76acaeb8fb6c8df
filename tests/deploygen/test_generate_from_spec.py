"""generate_agent with a spec, with --init and with --build."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from deploygen.output.transaction import MARKER

MANAGE = [sys.executable, str(Path(__file__).parents[2] / "manage.py")]
SPEC = """\
name: an-agent
port: 9001
registry:
  url: http://reg:9000
  ttl_seconds: 30
  heartbeat_interval: 5
"""
HANDLER = "def handle(inputs): return {'mine': True}\n"


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec").mkdir()
    Path("spec/agent.yaml").write_text(SPEC)
    Path("spec/handler.py").write_text(HANDLER)


def generate(*arguments: str) -> str:
    out = io.StringIO()
    call_command("generate_agent", *(arguments or ("spec/agent.yaml",)), stdout=out)
    return out.getvalue()


def config(folder: str = "an-agent") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(folder, "agent.json").read_text())
    return document


def test_the_spec_and_the_modules_beside_it_become_the_agent() -> None:
    Path("spec/more.py").write_text("x = 1\n")
    output = generate()
    assert config()["port"] == 9001
    assert config()["registry"]["url"] == "http://reg:9000"
    assert Path("an-agent/handler.py").read_text() == HANDLER
    assert Path("an-agent/more.py").read_text() == "x = 1\n"
    assert "Its code is in spec: change it there, and generate again." in output
    assert not Path("an-agent/agent.yaml").exists()


def test_nothing_is_written_outside_the_output_folder() -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    generate("spec/agent.yaml", "--output", "there")
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert {path for path in after if path.parts[0] != "there"} == set(before)
    assert all(after[path] == content for path, content in before.items())


def test_the_same_spec_gives_the_same_bytes() -> None:
    generate("spec/agent.yaml", "--output", "one")
    generate("spec/agent.yaml", "--output", "two")
    one, two = (
        {path.relative_to(f): path.read_bytes() for path in Path(f).rglob("*") if path.is_file()}
        for f in ("one", "two")
    )
    assert one == two
    assert len(one) > 10
    assert "  write " not in generate("spec/agent.yaml", "--output", "one")


def test_options_override_the_spec() -> None:
    generate(
        "spec/agent.yaml",
        "--agent-id",
        "A:1",
        "--port",
        "9002",
        "--ttl",
        "20",
        "--heartbeat-interval",
        "4",
        "--description",
        "Mine.",
        "--registry-url",
        "http://other",
    )
    found = config()
    assert (found["agent_id"], found["port"], found["description"]) == ("A:1", 9002, "Mine.")
    assert found["registry"] == {"url": "http://other", "ttl_seconds": 20, "heartbeat_interval": 4}


def test_no_registry_overrides_the_spec_and_leaves_no_trace() -> None:
    generate("spec/agent.yaml", "--no-registry")
    assert "registry" not in config()
    assert not Path("an-agent/agent_runtime/registry").exists()


@override_settings(REGISTRY_URL="https://registry.example")
@pytest.mark.parametrize(
    ("registry", "arguments", "url"),
    [
        ("", [], "https://registry.example"),
        ("registry: {ttl_seconds: 9}", [], "https://registry.example"),
        ("registry: false", [], None),
        ("registry: false", ["--registry-url", "http://other"], "http://other"),
        ("registry: {url: http://reg}", [], "http://reg"),
    ],
)
def test_the_registry_comes_from_the_option_the_spec_or_the_setting(
    registry: str, arguments: list[str], url: str | None
) -> None:
    Path("spec/agent.yaml").write_text(f"name: an-agent\n{registry}\n")
    generate("spec/agent.yaml", *arguments)
    assert config().get("registry", {}).get("url") == url


def test_a_ttl_without_a_registry_is_refused() -> None:
    Path("spec/agent.yaml").write_text("name: an-agent\nregistry: false\n")
    with pytest.raises(CommandError, match="--ttl: the agent has no registry"):
        generate("spec/agent.yaml", "--ttl", "9")


def test_errors_name_the_line_or_the_option_and_nothing_is_written() -> None:
    for arguments, message in (
        (["--port", "80"], "--port: it must be 1024"),
        (["--ttl", "6"], "spec/agent.yaml:6: registry.heartbeat_interval: it must be at most"),
        (["--agent-id", "a/b"], "--agent-id: it must be"),
    ):
        with pytest.raises(CommandError, match=message):
            generate("spec/agent.yaml", *arguments)
    Path("spec/agent.yaml").write_text("name: an-agent\nprot: 1\n")
    with pytest.raises(CommandError, match=r"spec/agent.yaml:2: 'prot' is not known; did you mean"):
        generate()
    assert sorted(os.listdir()) == ["spec"]  # noqa: PTH208 - the working directory itself


@pytest.mark.parametrize("name", ["my.spec", "spec.json", "agent"])
def test_any_existing_file_is_read_as_a_spec(name: str) -> None:
    Path(name).write_text("name: from-a-file\n")
    generate(name)
    assert config("from-a-file")["name"] == "from-a-file"


def test_a_folder_with_a_spec_is_not_taken_as_a_name() -> None:
    for target in ("spec", "./spec"):
        with pytest.raises(CommandError, match=r"did you mean spec/agent.yaml\?"):
            generate(target)


def test_an_agent_named_like_its_folder_is_written_into_build() -> None:
    Path("spec").rename("an-agent")
    generate("an-agent/agent.yaml")
    assert config("an-agent/build")["name"] == "an-agent"
    assert not Path("an-agent", MARKER).exists()
    generate("an-agent/agent.yaml")  # the generated files are not read as sources


def test_changed_sources_are_copied_and_changed_copies_are_not_overwritten() -> None:
    generate()
    Path("spec/handler.py").write_text(f"# newer\n{HANDLER}")
    assert "  write      handler.py\n" in generate()
    assert Path("an-agent/handler.py").read_text() == f"# newer\n{HANDLER}"

    Path("an-agent/handler.py").write_text("changed in the copy\n")
    with pytest.raises(CommandError, match=r"handler.py; --force overwrites them"):
        generate()
    generate("spec/agent.yaml", "--force")
    assert Path("an-agent/handler.py").read_text() == f"# newer\n{HANDLER}"


def test_a_spec_without_a_handler_gets_one_to_fill_in() -> None:
    Path("spec/handler.py").unlink()
    assert "Write what it does into an-agent/handler.py." in generate()
    Path("an-agent/handler.py").write_text(HANDLER)
    assert "  keep       handler.py\n" in generate("spec/agent.yaml", "--force")
    assert Path("an-agent/handler.py").read_text() == HANDLER


def test_the_handler_may_be_in_another_module() -> None:
    Path("spec/agent.yaml").write_text(f"{SPEC}handler: work:run\n")
    Path("spec/handler.py").unlink()
    Path("spec/work.py").write_text("def run(inputs): return {}\n")
    generate()
    assert config()["handler"] == "work:run"
    assert Path("an-agent/work.py").read_text() == "def run(inputs): return {}\n"
    assert not Path("an-agent/handler.py").exists()


def test_modules_that_would_hide_others_are_refused_by_name() -> None:
    for name, message in (
        ("agent_runtime.py", "has a name that the generator needs|hide a package of every agent"),
        ("fastapi.py", "hide a package of every agent"),
        ("typing_extensions.py", "hide a package of every agent"),
        ("opentelemetry/__init__.py", "hide a package of every agent"),
        ("json.py", "hide Python's own"),
    ):
        Path("spec", name).parent.mkdir(exist_ok=True)
        Path("spec", name).write_text("")
        with pytest.raises(CommandError, match=message):
            generate()
        Path("spec", name).unlink()
    assert not Path("an-agent").exists()


def test_the_shown_commands_include_requirements_secrets_and_inputs() -> None:
    Path("spec/agent.yaml").write_text(
        f"{SPEC}requirements: [numpy]\nsecrets: [A_KEY]\n"
        "inputs: [{name: text, type: string}, {name: n, type: integer, default: 1}]\n"
    )
    lines = [line.strip() for line in generate("spec/agent.yaml", "--no-lock").splitlines()]
    assert ".venv/bin/pip install -c constraints.txt -r requirements-agent.txt" in lines
    assert "export A_KEY=...  # or A_KEY_FILE=..." in lines
    assert 'docker run --rm -p 9001:9001 -e AGENT_HOST="$(hostname)" -e A_KEY an-agent' in lines
    assert """-d '{"text": "hello"}'""" in lines


def test_init_lists_its_files_and_they_can_be_generated() -> None:
    output = generate("--init", "new")
    assert "  write      agent.yaml\n  write      handler.py\n" in output
    assert output.endswith("  python manage.py generate_agent new/agent.yaml\n")
    generate("new/agent.yaml")
    assert [item["name"] for item in config("new/build")["inputs"]] == ["text", "most_words"]
    assert Path("new/build/handler.py").read_text() == Path("new/handler.py").read_text()


def test_init_refuses_a_folder_that_is_not_empty() -> None:
    with pytest.raises(CommandError, match="--init: spec is not empty"):
        generate("--init", "spec")


def docker(script: str) -> None:
    """Put a command docker on the PATH that prints its arguments, then runs `script`."""
    Path("bin").mkdir()
    Path("bin/docker").write_text(f'#!/bin/sh\necho "docker: $*"\n{script}\n')
    Path("bin/docker").chmod(0o755)


def run(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MANAGE, "generate_agent", "spec/agent.yaml", *arguments],
        env=os.environ | {"PATH": path or f"{Path('bin').absolute()}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_build_runs_docker_and_shows_its_output() -> None:
    docker("echo 'Step 1/9' >&2")
    done = run("--build")
    assert done.returncode == 0, done.stderr
    assert f"docker: build --tag an-agent {Path('an-agent').absolute()}\n" in done.stdout
    assert done.stderr == "Step 1/9\n"
    before, _, after = done.stdout.partition("docker: build")
    assert "Building the image an-agent:" in before
    assert "docker build -t" not in after
    assert "docker run --rm" in after


def test_a_failed_build_is_reported_with_the_command_to_retry() -> None:
    docker("echo 'no space left' >&2; exit 7")
    done = run("--build", "--output", "my agent")
    assert done.returncode == 1
    assert done.stderr.startswith("no space left\n")
    assert "--build: docker build failed (exit code 7); its output is above." in done.stderr
    assert f"docker build --tag an-agent '{Path('my agent').absolute()}'" in done.stderr
    assert "Traceback" not in done.stderr
    assert config("my agent")["name"] == "an-agent"


def test_without_docker_nothing_is_written(tmp_path: Path) -> None:
    done = run("--build", path=str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "--build: there is no command docker on the PATH" in done.stderr
    assert not Path("an-agent").exists()


def test_a_docker_that_cannot_be_executed_is_reported() -> None:
    docker("")
    Path("bin/docker").write_text("#!/no/such/interpreter\n")
    done = run("--build", path=str(Path("bin").absolute()))
    assert done.returncode == 1
    assert "--build: docker cannot be run: No such file or directory" in done.stderr


def test_a_dry_run_builds_nothing() -> None:
    docker("touch built")
    done = run("--build", "--dry-run")
    assert done.returncode == 0
    assert f"docker build --tag an-agent {Path('an-agent').absolute()}" in done.stdout
    assert not Path("an-agent").exists()
    assert not Path("built").exists()
