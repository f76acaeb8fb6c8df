"""An agent made from values alone, as the dashboard makes it."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from deploygen.output.archive import zipped
from deploygen.project.new_agent import NewAgent, new_agent
from deploygen.spec.errors import SpecError

URL = "http://localhost:9000"
ITEM = {"name": "n", "type": "number"}
OBJECT = {"name": "n", "type": "object"}
DEEP: Any = json.loads('{"a":' * 30 + "1" + "}" * 30)
VALUES: dict[str, Any] = {
    "name": "weather",
    "inputs": [{"name": "city", "type": "string"}],
    "environment": [{"name": "UNITS", "value": "metric"}],
    "tags": ["eu"],
}


def unpacked(agent: NewAgent, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(zipped(agent.files, agent.spec.name))) as archive:
        archive.extractall(folder)
    return folder / agent.spec.name


def test_the_command_finds_nothing_to_change_in_its_folder(tmp_path: Path) -> None:
    folder = unpacked(new_agent(VALUES, URL), tmp_path)
    output = io.StringIO()

    call_command(
        "generate_agent",
        str(folder / "agent.yaml"),
        "--no-lock",
        "--dry-run",
        output=folder / "build",
        stdout=output,
    )

    lines = [line for line in output.getvalue().splitlines() if line.startswith("  ")]
    assert len(lines) > 100
    assert {line.split()[0] for line in lines} == {"unchanged"}


def test_the_zip_is_the_same_each_time() -> None:
    first, second = (zipped(new_agent(VALUES, URL).files, "weather") for _ in range(2))

    assert first == second


def test_it_joins_the_registry_that_made_it_unless_its_values_say_otherwise() -> None:
    def urls(registry: Any) -> tuple[str | None, bool]:
        agent = new_agent({**VALUES, "registry": registry}, URL)
        return agent.spec.registry_url, "build/agent_runtime/registry/__init__.py" in agent.files

    assert urls({"ttl_seconds": 30}) == (URL, True)
    assert urls({"url": "https://other.example"}) == ("https://other.example", True)
    assert urls(False) == (None, False)
    assert f"url: {URL}" in new_agent(VALUES, URL).files["agent.yaml"]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": "Weather"}, "name", "the name of an image"),
        ({"handler": "other:handle"}, "handler", "there is no other.py beside the spec"),
        ({"requirements": ["./a-1-py3-none-any.whl"]}, "requirements[0]", "a-1-py3-none-any.whl"),
        ({"requirements": ["fastapi==0.1"]}, "requirements[0]", "fastapi"),
        ({"inputs": [ITEM | {"default": 10**30}]}, "inputs[0].default", "64 bits"),
        ({"inputs": [ITEM | {"default": 1e-9}]}, "inputs[0].default", "a plain decimal"),
        ({"tags": ["x" * 64] * 1200}, "tags", "at most 64"),
        ({"inputs": [OBJECT | {"default": DEEP}]}, "", "levels deep"),
        ({"build_steps": [{"run": "x", "files": ["data"]}]}, "build_steps[0].files", "data"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(
    values: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        new_agent({**VALUES, **values}, URL)

    [problem] = caught.value.problems
    assert problem.field.startswith(field)
    assert message in problem.text


def test_a_handler_that_a_requirement_provides_needs_no_file() -> None:
    values = {**VALUES, "handler": "forecast.agent:run", "requirements": ["forecast==1"]}

    assert "handler.py" not in new_agent(values, URL).files
