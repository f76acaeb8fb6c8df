"""The templates of generate_agent --init work as they are."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deploygen.output.package import LOCK, RUNTIME
from deploygen.project.scaffold import template_names, write_scaffold
from deploygen.spec.file import read_spec
from tests.deploygen.local.development import Development, development
from tests.examples.chat_server import KEY, ChatServer, chat_server, tool_call
from tests.processes import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the packages of all templates."""
    folder = tmp_path_factory.mktemp("templates")
    requirements: set[str] = set()
    for template in template_names():
        write_scaffold(folder / template, template)
        requirements |= set(read_spec(folder / template / "agent.yaml").spec().requirements)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    program = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(program), "install", "--quiet"]
    subprocess.run([*install, "--requirement", RUNTIME / LOCK], check=True)
    subprocess.run([*install, *sorted(requirements)], check=True)
    return program


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


def answer(template: str, folder: Path, python: Path, model: ChatServer) -> dict[str, Any]:
    """Run a template as it is, and return what it answers to a message."""
    call_command(
        "generate_agent",
        "--init",
        str(folder / "agent"),
        "--template",
        template,
        stdout=io.StringIO(),
    )
    variables = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": KEY}
    with development(
        folder / "agent", folder / "log", "--no-registry", f"--python={python}", **variables
    ) as agent:
        wait_until(agent.is_ready, "readiness", seconds=120)
        return response_of(agent)


def response_of(agent: Development) -> dict[str, Any]:
    response = agent.run(message="How many words has: one two three?")
    assert response is not None
    assert response.status_code == 200, agent.output
    result: dict[str, Any] = response.json()
    return result


@pytest.mark.services
def test_chat_answers_with_the_model(tmp_path: Path, python: Path, model: ChatServer) -> None:
    result = answer("chat", tmp_path, python, model)

    assert result == {"answer": "You asked: How many words has: one two three?"}
    assert model.requests[0]["stream"] is True


@pytest.mark.services
@pytest.mark.parametrize("template", ["langgraph", "mcp"])
def test_a_template_with_tools_calls_those_that_the_model_asks_for(
    tmp_path: Path, python: Path, model: ChatServer, template: str
) -> None:
    model.script = [tool_call("count_words", text="one two three")]
    result = answer(template, tmp_path, python, model)

    # The model repeats the last message, which is the tool's.
    assert result == {"answer": "You asked: 3"}
    first, second = model.requests
    assert {tool["function"]["name"] for tool in first["tools"]} == {"now", "count_words"}
    assert [message["role"] for message in second["messages"]][-2:] == ["assistant", "tool"]


@pytest.mark.parametrize("template", template_names())
def test_a_template_is_generated_without_a_problem(tmp_path: Path, template: str) -> None:
    out = io.StringIO()
    source, folder = str(tmp_path / "agent"), str(tmp_path / "generated")
    call_command("generate_agent", "--init", source, "--template", template, stdout=out)
    call_command("generate_agent", f"{source}/agent.yaml", "--output", folder, stdout=out)

    assert "agent_runtime/server.py" in out.getvalue()
    assert "is left out" not in out.getvalue()


def test_a_template_without_init_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--template is for --init DIR"):
        call_command("generate_agent", "an-agent", "--template", "chat")
