"""A generated folder passes linters and type checks outside this project."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploygen.output.rendering import render
from deploygen.output.writing import write_folder
from tests.deploygen.specs import spec_of

PROJECT = Path(__file__).parents[3]
REGISTRIES = ["http://127.0.0.1:9000", None]


def generated(folder: Path, registry_url: str | None) -> Path:
    spec = spec_of(registry_url, description="Echoes.", page=registry_url is not None)
    write_folder(folder / "agent", render(spec))
    return folder / "agent"


def run(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("registry_url", REGISTRIES)
def test_the_linter_finds_nothing(tmp_path: Path, registry_url: str | None) -> None:
    folder = generated(tmp_path, registry_url)
    config = PROJECT / "pyproject.toml"
    run(folder, "ruff", "check", "--no-cache", "--config", str(config), ".")
    run(folder, "ruff", "format", "--no-cache", "--check", "--config", str(config), ".")


@pytest.mark.parametrize("registry_url", REGISTRIES)
def test_the_strict_type_check_passes(tmp_path: Path, registry_url: str | None) -> None:
    folder = generated(tmp_path, registry_url)
    cache = PROJECT / ".mypy_cache" / "generated"
    options = ["--strict", "--config-file", "", "--python-version", "3.11"]
    run(folder, "mypy", *options, "--cache-dir", str(cache), ".")


@pytest.mark.parametrize("registry_url", REGISTRIES)
def test_every_module_can_be_imported(tmp_path: Path, registry_url: str | None) -> None:
    folder = generated(tmp_path, registry_url)
    paths = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")]
    modules = ", ".join(sorted(".".join(path.parts) for path in paths))
    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_handler_can_import_the_context(tmp_path: Path) -> None:
    folder = generated(tmp_path, None)
    (folder / "handler.py").write_text(
        "from agent_runtime import Context\n\n\n"
        "def handle(inputs: dict[str, object], context: Context) -> dict[str, object]:\n"
        "    context.progress(0.5)\n"
        '    return {"id": context.request_id}\n'
    )
    run(folder, "mypy", "--strict", "--config-file", "", "handler.py")
    call = "import handler; from agent_runtime import Context; handler.handle({}, Context())"
    done = subprocess.run([sys.executable, "-c", call], cwd=folder, check=False)
    assert done.returncode == 0
