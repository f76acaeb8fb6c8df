import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from deploygen.rendering import RUNTIME, dockerfile_quoted, is_local, markdown_escaped, render
from deploygen.spec import AgentSpec

SERVER = [
    *("agent_config.py", "extensions.py", "handler.py", "handler_runner.py", "healthcheck.py"),
    *("lifecycle.py", "server.py"),
]
REGISTRATION = [
    *("loop_lag.py", "pacing.py", "registration.py", "registry_client.py", "registry_http.py"),
    "registry_settings.py",
]
BESIDE = [".dockerignore", "Dockerfile", "README.md", "agent.json", "requirements.txt"]
HOSTILE = [
    'x\nRUN touch /tmp/owned\nLABEL a="',
    '"; touch /tmp/owned; "',
    "$(touch /tmp/owned) `touch /tmp/owned` ${HOME}",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "back\\slash\\",
    "'single' | pipe <script>alert(1)</script> [link](http://x) # heading",
    "<<EOF",
]


def rendered(**fields: Any) -> dict[str, str]:
    return render(AgentSpec(**{"name": "an-agent", "registry_url": "http://reg:9000", **fields}))


def instructions(dockerfile: str) -> list[str]:
    """The instructions of a Dockerfile, with continued lines joined and comments left out."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", dockerfile))
    return [line for line in joined.splitlines() if line]


def test_the_files_are_these() -> None:
    assert sorted(rendered()) == sorted(SERVER + REGISTRATION + BESIDE)
    assert sorted(rendered(registry_url=None)) == sorted(SERVER + BESIDE)


def test_every_module_of_the_runtime_comes_along() -> None:
    modules = {path.name for path in RUNTIME.glob("*.py")}
    assert modules == set(SERVER + REGISTRATION)


def test_without_a_registry_no_file_has_a_word_of_it() -> None:
    for name, text in rendered(registry_url=None, description="Echoes.").items():
        assert not re.search(r"regist|lease|heartbeat|TTL", name + text, re.IGNORECASE), name


def test_the_same_spec_gives_the_same_bytes() -> None:
    assert rendered(description="\u00e4") == rendered(description="\u00e4")
    assert list(rendered()) == sorted(rendered())


def test_files_end_in_one_line_end_and_have_no_blanks_before_it() -> None:
    for registry_url in ("http://reg:9000", "http://localhost:9000", None):
        for name, text in rendered(registry_url=registry_url, description="Echoes.").items():
            assert text.endswith("\n"), name
            assert not text.endswith("\n\n"), name
            assert not re.search(r"[ \t]\n", text), name
            assert "\n\n\n\n" not in text, name


def test_the_configuration_is_the_spec() -> None:
    config = json.loads(
        rendered(agent_id="A:1", description="d", port=9001, ttl_seconds=9, heartbeat_interval=2.5)[
            "agent.json"
        ]
    )
    assert config == {
        "name": "an-agent",
        "agent_id": "A:1",
        "description": "d",
        "port": 9001,
        "extensions": ["registration"],
        "registry": {"url": "http://reg:9000", "ttl_seconds": 9, "heartbeat_interval": 2.5},
    }


def test_python_is_copied_as_it_is() -> None:
    for name, text in rendered(description="{{ spec.name }}").items():
        if name.endswith((".py", ".txt")):
            assert text == (RUNTIME / name).read_text()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_adds_no_instruction_to_the_dockerfile(text: str) -> None:
    plain = instructions(rendered(description="plain")["Dockerfile"])
    hostile = instructions(rendered(description=text)["Dockerfile"])
    label = "LABEL org.opencontainers.image.description="
    assert [line for line in hostile if not line.startswith(label)] == [
        line for line in plain if not line.startswith(label)
    ]
    [line] = [line for line in hostile if line.startswith(label)]
    assert shlex.split(line.replace(r"\$", "$")) == [
        "LABEL",
        label.split()[1] + " ".join(text.split()),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_is_data_in_the_configuration(text: str) -> None:
    assert json.loads(rendered(description=text)["agent.json"])["description"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_is_one_line_of_text_in_the_readme(text: str) -> None:
    lines = rendered(description=text)["README.md"].splitlines()
    assert lines[2] == markdown_escaped(text)
    assert lines[3] == ""
    assert not re.search(r"(?<!\\)[<`\[]", lines[2])


def test_a_blank_description_leaves_no_gap() -> None:
    files = rendered(description=" \n ")
    assert "image.description" not in files["Dockerfile"]
    assert files["README.md"] == rendered()["README.md"]


def test_quoting_escapes_what_ends_or_expands_a_word() -> None:
    assert dockerfile_quoted('a "b" $c \\ d\n\te') == r'"a \"b\" \$c \\ d e"'


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:9000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:9000", True),
        ("http://localhost.example", False),
        ("http://registry:9000", False),
    ],
)
def test_a_local_registry_is_known(url: str, local: bool) -> None:
    assert is_local(url) == local
    assert ("--network host" in rendered(registry_url=url)["README.md"]) == local


def test_the_image_is_built_in_two_stages_and_runs_without_root() -> None:
    lines = instructions(rendered(port=9001)["Dockerfile"])
    assert lines[0] == "ARG PYTHON_IMAGE=python:3.13-slim"
    assert [line for line in lines if line.startswith("FROM")] == [
        "FROM ${PYTHON_IMAGE} AS build",
        "FROM ${PYTHON_IMAGE}",
    ]
    final = lines[lines.index("FROM ${PYTHON_IMAGE}") :]
    assert "USER 10001:10001" in final
    assert "EXPOSE 9001" in final
    assert any(line.startswith("HEALTHCHECK") and "healthcheck.py" in line for line in final)
    assert final[-1] == 'CMD ["python3", "server.py"]'
    assert not [line for line in final if line.startswith("RUN")]
    assert any("--require-hashes" in line for line in lines)


def test_every_requirement_is_pinned_and_hashed() -> None:
    text = re.sub(r"(?m)^\s*#.*\n", "", rendered()["requirements.txt"]).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert {"fastapi", "uvicorn", "httpx"} <= {line.split("==")[0] for line in lines}
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line


def test_the_readme_names_every_variable_that_the_runtime_reads() -> None:
    read = set()
    for path in RUNTIME.glob("*.py"):
        read |= set(re.findall(r'"(AGENT_[A-Z_]+)"', path.read_text()))
    assert len(read) >= 7
    documented = set(re.findall(r"\| `(AGENT_[A-Z_]+)` \|", rendered()["README.md"]))
    assert documented == read


def test_the_readme_tells_the_interval_only_when_there_is_one() -> None:
    assert "what the registry asks for |" in rendered()["README.md"]
    assert "| `2.5` |" in rendered(heartbeat_interval=2.5)["README.md"]


def test_the_paths_are_inside_the_folder() -> None:
    for name in rendered():
        assert not Path(name).is_absolute()
        assert ".." not in Path(name).parts
