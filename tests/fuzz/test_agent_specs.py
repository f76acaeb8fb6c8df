"""The generator gets nearly valid specs."""

from pathlib import Path

import pytest

from deploygen.management.commands import generate_agent
from deploygen.output import rendering
from tests.fuzz.agent_specs import AgentSpecs
from tests.fuzz.fuzzing import PieceFuzzer, Turn

SEED = 20_261
SPEC = [b"name: an-agent\n", b"description: Echoes.\n"]


def test_no_spec_makes_the_generator_crash_or_write_invalid_files() -> None:
    specs = AgentSpecs()
    fuzzer = PieceFuzzer(specs, SEED)

    fuzzer.take(Turn(inputs=150))

    assert fuzzer.failures == []
    assert specs.written > 20, "too many specs are refused"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("Dockerfile", "FROM x\nRUN a\n" + "FROM y\n" * 6, "instructions of the spec's"),
        ("Dockerfile", "FROM x\nVOLUME /y\n", "instructions of the spec's"),
        ("agent_runtime/server.py", "def\n", "server.py is no Python"),
        ("compose.yaml", "a: [\n", "no YAML"),
        ("compose.yaml", "services: {an-agent: {}, other: {}}\n", "not just the service"),
        ("agent.json", '{"name": NaN}', "the number NaN"),
        (".env.example", "A=$(id)\n", ".env.example has the line"),
        ("../beside", "x", "outside"),
    ],
)
def test_an_invalid_generated_file_is_detected(
    monkeypatch: pytest.MonkeyPatch, file: str, text: str, problem: str
) -> None:
    def render(*arguments: object) -> dict[str, str]:
        files = rendering.render(*arguments)  # type: ignore[arg-type]
        if file.startswith(".."):
            Path("beside").write_text(text, encoding="utf-8")
            return files
        return {**files, file: text}

    monkeypatch.setattr(generate_agent, "render", render)

    assert problem in (AgentSpecs().check(SPEC) or "")


def test_a_crash_of_the_generator_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(generate_agent, "render", render)

    assert "KeyError: 'planted'" in (AgentSpecs().check(SPEC) or "")
