"""The wheel of the client."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from registry_project.version import VERSION
from tests.deploygen.client.built_wheel import CLIENT, PROJECT, build_wheel, example
from tests.registry_project.server.registry_web import prepared, registry_web

CACHE = f"--cache-dir={PROJECT / '.mypy_cache' / 'client'}"


def test_the_types_are_those_of_the_package(tmp_path: Path) -> None:
    zipfile.ZipFile(build_wheel(tmp_path)).extractall(tmp_path / "wheel")
    (tmp_path / "program.py").write_text(
        "from agent_registry_client import Agent, Registry\n\n"
        "found: list[Agent] = Registry().list(tag=['a'], metadata={'x': 1})\n"
        "reveal_type(Registry().pick())\n"
        "Registry().watch(status='ready')\n"
    )
    argv = [sys.executable, "-m", "mypy", "--strict", "--config-file=", CACHE, "program.py"]
    done = subprocess.run(
        argv,
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(tmp_path / "wheel")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Revealed type is" in done.stdout, done.stdout
    assert '"agent_registry_client.discovery.agent.Agent | None"' in done.stdout
    assert 'Unexpected keyword argument "status"' in done.stdout
    assert "Found 1 error" in done.stdout


def test_the_wheel_has_the_projects_version_and_its_types(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    assert wheel.name == f"agent_registry_client-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith("/METADATA")]
        head = archive.read(metadata).decode().partition("\n\n")[0].splitlines()
    assert "agent_registry_client/py.typed" in names
    assert {path.relative_to(CLIENT).as_posix() for path in CLIENT.rglob("*.py")} == {
        name.removeprefix("agent_registry_client/") for name in names if name.endswith(".py")
    }
    assert [line for line in head if line.startswith("Requires-Dist")] == [
        "Requires-Dist: httpx>=0.27"
    ]


@pytest.mark.services
def test_it_works_in_an_environment_that_has_nothing_else(tmp_path: Path) -> None:
    """Downloads httpx, with the versions of our lock."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    wheel = build_wheel(tmp_path)
    lock = re.sub(
        r"(?m)^\s+--hash=.*\n?|\s*\\$", "", (PROJECT / "requirements/base.txt").read_text()
    )
    (tmp_path / "constraints.txt").write_text(lock)
    options = ["-q", "-c", str(tmp_path / "constraints.txt"), str(wheel)]
    install = [str(python), "-m", "pip", "install", *options]
    subprocess.run(install, check=True, stdout=sys.stderr)
    with registry_web(tmp_path, prepared(tmp_path)) as web:
        environment = {"AGENT_REGISTRY_URL": web.url, "PATH": os.defpath}
        for sign in ('"worker-1"', "registry.list("):
            subprocess.run([python, "-c", example(sign)], check=True, env=environment)
    names = "import importlib.metadata as m; print(*(one.name for one in m.distributions()))"
    done = subprocess.run([python, "-c", names], check=True, capture_output=True, text=True)
    assert {"agent-registry-client", "httpx"} <= set(done.stdout.split())
    assert "pydantic" not in done.stdout
