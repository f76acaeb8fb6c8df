"""Imports of the author's code that no requirement provides."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deploygen.output.content import read_source
from deploygen.project.imports import missing_imports
from deploygen.project.modules import Modules
from tests.deploygen.specs import spec_of


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def missing(*packages: str, **files: str) -> list[str]:
    """Return what is missing of a project, whose files are named with "__" for "/"."""
    found = {}
    for name, text in files.items():
        path = Path(name.replace("__", "/", 1) + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found[str(path)] = read_source(path)
    return missing_imports(spec_of(), Modules(found), packages)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy.linalg", "line 1 of handler.py imports numpy.linalg: add numpy"),
        ("\nfrom yaml import load", "line 2 of handler.py imports yaml: add PyYAML"),
        ("import json, cv2", "line 1 of handler.py imports cv2: add opencv-python-headless"),
        ("from google.adk import Agent", "imports google.adk: add google-adk"),
        ("import my_tools", "imports my_tools: add my-tools"),
        ("if True:\n    import numpy", "line 2 of handler.py imports numpy"),
    ],
)
def test_an_import_names_its_line_and_the_package_to_add(code: str, expected: str) -> None:
    [found] = missing(handler=code)
    assert expected in found


@pytest.mark.parametrize(
    "code",
    [
        "import json, asyncio, fastapi, httpx, pydantic.types, opentelemetry.trace",
        "import work, tools.deep",
        "from tools import deep",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "def handle(inputs):\n    import numpy",
        "if __name__ == '__main__':\n    import numpy",
        "def f[T](x: T): ...\nimport numpy",  # of a newer Python: not read
    ],
)
def test_what_is_there_or_may_be_absent_is_not_missing(code: str) -> None:
    assert missing(handler=code, work="", tools__deep="") == []


def test_modules_that_the_handler_imports_are_read_too() -> None:
    files = {
        "handler": "import tools.work",
        "tools____init__": "import in_init",
        "tools__work": "from . import deep\nfrom .other import x",
        "tools__deep": "import in_deep",
        "tools__other": "import in_other",
        "unused": "import in_unused",
    }
    found = {line.split(" imports ")[1].split(":")[0] for line in missing(**files)}
    assert found == {"in_init", "in_deep", "in_other"}


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("import numpy", "NumPy"),
        ("import yaml", "pyyaml"),
        ("import cv2", "opencv-contrib-python"),
        ("import google.cloud.storage", "google-cloud-storage"),
        ("import google.adk.agents", "google-adk"),
        ("import my_tools", "my.tools"),
    ],
)
def test_a_package_provides_what_it_is_known_for(code: str, package: str) -> None:
    assert missing(package, handler=code) == []
    assert missing("other", handler=code) != []


def generate(spec: str, **files: str) -> str:
    Path("spec").mkdir()
    Path("spec/agent.yaml").write_text(f"name: an-agent\n{spec}")
    for name, text in files.items():
        Path(f"spec/{name}.py").write_text(text)
    out = io.StringIO()
    call_command("generate_agent", "spec/agent.yaml", "--no-registry", "--no-lock", stdout=out)
    return out.getvalue()


def test_without_requirements_a_missing_package_is_refused() -> None:
    with pytest.raises(CommandError) as error:
        generate("", handler="import work\ndef handle(inputs): ...", work="import yaml\n")
    assert str(error.value) == (
        "spec/agent.yaml:1: requirements: line 1 of work.py imports yaml: add PyYAML to the "
        "requirements"
    )


def test_a_syntax_error_in_a_module_that_the_handler_imports_is_refused() -> None:
    with pytest.raises(CommandError) as error:
        generate("", handler="import work\ndef handle(inputs): ...", work="x = 1\ndef f(:\n")
    assert str(error.value).startswith(
        "spec/agent.yaml:1: handler: line 2 of work.py is not Python: "
    )


def test_with_requirements_one_of_them_may_provide_it() -> None:
    assert "Done" in generate(
        "requirements: [a-collection]\n", handler="import yaml\ndef handle(inputs): ..."
    )
