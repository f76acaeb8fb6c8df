"""Secrets of a build's steps, and a pip.conf that only the build sees."""

import io
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from deploygen.output.build_secrets import step_command
from deploygen.output.rendering import render
from tests.deploygen.specs import spec_of

STEP = {"run": "fetch", "secrets": ["TOKEN", "OTHER"]}
CONF = "--mount=type=secret,id=pip_config,target=/etc/pip.conf"


@pytest.fixture
def docker_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker on the PATH that writes its arguments and variables into this file."""
    for name in ("TOKEN", "TOKEN_FILE", "OTHER", "OTHER_FILE", "PIP_CONFIG_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    calls = tmp_path / "calls"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$DOCKER_BUILDKIT" "$@" >>{calls}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec/handler.py").write_text("def handle(inputs): return {}\n")
    return calls


def build(fields: dict[str, object], *options: str) -> str:
    Path("spec/agent.yaml").write_text(json.dumps({"name": "an-agent", **fields}))
    out = io.StringIO()
    call_command(
        "generate_agent", "spec/agent.yaml", "--no-registry", "--build", *options, stdout=out
    )
    return out.getvalue()


def test_only_its_step_has_a_secret() -> None:
    text = render(spec_of(build_steps=["first", STEP]))["Dockerfile"]
    [first, second] = [line for line in text.splitlines() if '["/bin/sh"' in line]
    assert first == 'RUN ["/bin/sh", "-ec", "first"]'
    mounts = "--mount=type=secret,id=TOKEN --mount=type=secret,id=OTHER "
    command = json.loads(second.removeprefix(f"RUN {mounts}"))
    assert command == ["/bin/sh", "-ec", step_command("fetch", ["TOKEN", "OTHER"])]


def test_a_step_without_its_secret_fails_and_says_how_to_give_it() -> None:
    command = step_command("echo never", ["TOKEN_THAT_NOBODY_HAS"])
    done = subprocess.run(["/bin/sh", "-ec", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "docker build --secret id=TOKEN_THAT_NOBODY_HAS,env=" in done.stderr


def test_build_gives_docker_the_secrets_of_its_steps(
    docker_calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    monkeypatch.setenv("OTHER_FILE", "a.secret")
    output = build({"build_steps": [STEP]})
    [call] = docker_calls.read_text().splitlines()
    other = f"id=OTHER,src={Path('a.secret').absolute()}"
    assert call.startswith(f"1 build --secret id=TOKEN,env=TOKEN --secret {other} ")
    assert "hunter2" not in call + output


def test_a_build_without_its_secrets_is_refused_before_anything_is_written(
    docker_calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "x")
    with pytest.raises(CommandError) as error:
        build({"build_steps": [STEP], "pip_config": True})
    assert str(error.value) == (
        "--build: the build needs secrets. Set PIP_CONFIG_FILE, to the path of a pip.conf "
        "(pip_config), and TOKEN or TOKEN_FILE (build_steps)"
    )
    assert not docker_calls.exists()
    assert not Path("an-agent").exists()
    assert "--secret id=TOKEN,env=TOKEN" in build({"build_steps": [STEP]}, "--dry-run")


def test_without_build_the_next_steps_name_the_secrets(docker_calls: Path) -> None:
    Path("spec/agent.yaml").write_text(json.dumps({"name": "an-agent", "build_steps": [STEP]}))
    out = io.StringIO()
    call_command("generate_agent", "spec/agent.yaml", "--no-registry", stdout=out)
    expected = (
        "DOCKER_BUILDKIT=1 docker build --secret id=TOKEN,env=TOKEN --secret id=OTHER,env=OTHER"
    )
    assert expected in out.getvalue()
    assert expected in Path("an-agent/README.md").read_text()


def test_compose_takes_the_secrets_from_its_environment() -> None:
    composed = yaml.safe_load(render(spec_of(build_steps=[STEP], pip_config=True))["compose.yaml"])
    names = ["netrc", "pip_config", "TOKEN", "OTHER"]
    assert composed["services"]["an-agent"]["build"] == {"context": ".", "secrets": names}
    assert composed["secrets"] == {
        "netrc": {"file": "${NETRC:-/dev/null}"},
        "pip_config": {"file": "${PIP_CONFIG_FILE:-/dev/null}"},
        "TOKEN": {"environment": "TOKEN"},
        "OTHER": {"environment": "OTHER"},
    }


@pytest.mark.parametrize("lock", [{}, {"requirements.txt": "", "requirements-agent.txt": ""}])
def test_pip_and_steps_have_the_pip_conf_that_the_spec_asks_for(lock: dict[str, str]) -> None:
    fields: dict[str, Any] = {"requirements": ["tools"], "build_steps": ["fetch"]}
    text = render(spec_of(**fields, pip_config=True), {"handler.py": ""}, lock)["Dockerfile"]
    instructions = text.replace("\\\n", "").split("\nRUN ")
    with_pip = [each for each in instructions if "pip/bin/pip --python" in each or "fetch" in each]
    assert len(with_pip) == 3
    assert all(CONF in each for each in with_pip)
    assert CONF not in render(spec_of(**fields), {"handler.py": ""}, lock)["Dockerfile"]
