"""agent.yaml as a whole: the spec made from it, and errors with line and field."""

import os
from pathlib import Path
from typing import Any

import pytest

from deploygen.spec.errors import SpecError, make_spec
from deploygen.spec.file import SpecFile, SpecFileError, read_spec
from deploygen.spec.model import AgentSpec
from deploygen.spec.parts import Registry

WHOLE = """\
name: whole
description: |
  All of it.
  And more.
version: "1.10"
agent_id: whole:1
port: 9001
handler: tools.work:run
inputs:
  - name: text
    type: string
    description: What.
  - {name: times, type: integer, default: 2}
  - {name: more, type: array, required: false}
  - {name: rate, type: number, default: 1}
  - {name: deep, type: object, default: {a: [1, {b: null}]}}
outputs:
  - {name: result, type: object, description: That.}
skills:
  - id: work
    name: Work
    description: Works.
    tags: [one, two]
    examples: ["Work!"]
tags: [a, b]
requirements: ["numpy>=2", "x[y]; python_version >= '3.11'"]
index_url: https://pypi.example/simple/
extra_index_urls: ["http://localhost:3141/a/b"]
environment:
  - PLAIN
  - {name: VALUED, value: "1", description: One.}
secrets: [A_KEY]
dependencies: ["https://api.example/health?full=1", "db:5432", "[::1]:80"]
sync_timeout: 5
max_jobs: 3
registry:
  url: https://registry.example:9000/
  ttl_seconds: 30
  heartbeat_interval: 2.5
base_image: registry.example:5000/python@sha256:abc
slim: false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "agent.yaml"


def read(file: Path, text: str) -> SpecFile:
    file.write_text(text)
    return read_spec(file)


def spec_of(file: Path, text: str, options: dict[str, Any] | None = None) -> AgentSpec:
    return read(file, text).spec(options)


def refused(file: Path, text: str, options: dict[str, Any] | None = None) -> SpecFileError:
    with pytest.raises(SpecFileError) as error:
        spec_of(file, text, options)
    return error.value


def test_every_field_reaches_the_spec(file: Path) -> None:
    assert spec_of(file, WHOLE).model_dump(exclude_defaults=True) == {
        "name": "whole",
        "description": "All of it.\nAnd more.\n",
        "version": "1.10",
        "agent_id": "whole:1",
        "port": 9001,
        "handler": "tools.work:run",
        "inputs": [
            {"name": "text", "type": "string", "required": True, "description": "What."},
            {"name": "times", "type": "integer", "required": False, "default": 2},
            {"name": "more", "type": "array", "required": False},
            {"name": "rate", "type": "number", "required": False, "default": 1},
            {
                "name": "deep",
                "type": "object",
                "required": False,
                "default": {"a": [1, {"b": None}]},
            },
        ],
        "outputs": [{"name": "result", "type": "object", "description": "That."}],
        "skills": [
            {
                "id": "work",
                "name": "Work",
                "description": "Works.",
                "tags": ["one", "two"],
                "examples": ["Work!"],
            }
        ],
        "tags": ["a", "b"],
        "requirements": ["numpy>=2", "x[y]; python_version >= '3.11'"],
        "index_url": "https://pypi.example/simple/",
        "extra_index_urls": ["http://localhost:3141/a/b"],
        "environment": [
            {"name": "PLAIN"},
            {"name": "VALUED", "value": "1", "description": "One."},
        ],
        "secrets": ["A_KEY"],
        "dependencies": ["https://api.example/health?full=1", "db:5432", "[::1]:80"],
        "sync_timeout": 5.0,
        "max_jobs": 3,
        "registry": {
            "url": "https://registry.example:9000",
            "ttl_seconds": 30,
            "heartbeat_interval": 2.5,
        },
        "base_image": "registry.example:5000/python@sha256:abc",
        "slim": False,
    }


def test_a_name_is_enough(file: Path) -> None:
    assert spec_of(file, "name: an-agent\n") == make_spec({"name": "an-agent"})


@pytest.mark.parametrize(
    ("registry", "section", "url"),
    [
        ("false", False, None),
        ("{}", {}, None),
        ("{ttl_seconds: 9}", {"ttl_seconds": 9}, None),
        ("{url: http://a}", {"url": "http://a"}, "http://a"),
    ],
)
def test_the_registry_may_be_false_or_have_no_url(
    file: Path, registry: str, section: Any, url: str | None
) -> None:
    found = read(file, f"name: a\nregistry: {registry}\n")
    assert found.registry == section
    assert found.spec().registry_url == url


def test_options_override_the_file(file: Path) -> None:
    found = spec_of(file, WHOLE, {"port": 9002, "registry": False, "description": ""})
    assert (found.port, found.registry, found.description) == (9002, False, "")
    assert found.version == "1.10"


def test_an_option_changes_one_field_of_a_section(file: Path) -> None:
    assert spec_of(file, WHOLE, {"registry.ttl_seconds": 40}).registry == Registry(
        url="https://registry.example:9000", ttl_seconds=40, heartbeat_interval=2.5
    )
    none = "name: a\nregistry: false\n"
    assert spec_of(file, none, {"registry.url": "http://b"}).registry_url == "http://b"
    error = refused(file, "name: a\nregistry: true\n", {"registry.url": "http://b"})
    assert [field for _, field, _ in error.problems] == ["registry"]


def test_an_invalid_option_is_not_reported_as_an_error_of_the_file(file: Path) -> None:
    with pytest.raises(SpecError) as error:
        spec_of(file, WHOLE, {"port": 80})
    assert [problem.field for problem in error.value.problems] == ["port"]


def test_a_field_that_an_option_makes_invalid_is_reported_at_its_line(file: Path) -> None:
    [problem] = refused(file, WHOLE, {"registry.ttl_seconds": 4}).problems
    assert problem[:2] == (39, "registry.heartbeat_interval")
    assert "half of the TTL, which is 4 s" in problem[2]


def test_all_errors_are_reported_one_a_line(file: Path) -> None:
    error = refused(file, "slim: 1\nport: 80\nname: a\nprot: 1\n")
    lines = str(error).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{file}:1", f"{file}:2", f"{file}:4"]


def test_a_message_begins_with_file_and_line(file: Path) -> None:
    error = refused(file, "name: a\nport: 80\n")
    assert str(error) == f"{file}:2: port: {error.problems[0][2]}"
    assert error.problems[0][2].startswith("it must be 1024 to 65535 (")


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        # Keys.
        ("prot: 1", 2, "", "'prot' is not known; did you mean 'port'?"),
        ("input: []", 2, "", "did you mean 'inputs'?"),
        ("sync-timeout: 1", 2, "", "did you mean 'sync_timeout'?"),
        ("ttl_seconds: 1", 2, "", "'ttl_seconds' is not known; it is registry.ttl_seconds"),
        ("url: http://a", 2, "", "it is registry.url"),
        ("registry_url: http://a", 2, "", "it is registry.url"),
        ("xyz: 1", 2, "", "'xyz' is not known; there are name, description, version, "),
        ("registry: {ttl: 3}", 2, "registry", "'ttl' is not known; "),
        ("inputs:\n  - name: a\n    typ: string", 4, "inputs[0]", "did you mean 'type'?"),
        ("inputs:\n  - name: a", 3, "inputs[0]", "it lacks 'type'"),
        ("skills: [{id: a, name: b}]", 2, "skills[0]", "it lacks 'description'"),
        ("port: 8001\nport: 8002", 3, "port", "it occurs twice; the first is in line 2"),
        # Types.
        ("version: 1.10", 2, "version", '1.10 is read as a number: write "1.10" in quotes'),
        ("version: 2", 2, "version", 'it must be text; 2 is read as a number: write "2" in'),
        ("description: true", 2, "description", 'true is read as true or false: write "true"'),
        ("description: no", 2, "description", 'or "no" in quotes'),
        ("version: 2026-01-01", 2, "version", 'or "2026-01-01" in quotes'),
        ("description:", 2, "description", "it has no value: give it one, or leave the key out"),
        ("description: [a]", 2, "description", "it must be text, not a list"),
        ("description: {a: b}", 2, "description", "it must be text, not a mapping"),
        ("port: '8000'", 2, "port", "it must be a whole number, not '8000'"),
        ("port: 8000.0", 2, "port", "it must be a whole number, not 8000.0"),
        ("port: true", 2, "port", "it must be a whole number, not true"),
        ("port: 017500", 2, "port", "a plain decimal number"),
        ("slim: yes", 2, "slim", "write true or false"),
        ("slim: 'true'", 2, "slim", "it must be true or false, not 'true'"),
        ("sync_timeout: soon", 2, "sync_timeout", "it must be a number, not 'soon'"),
        ("tags: a", 2, "tags", "it must be a list, not 'a'"),
        ("tags:\n  - a\n  - 2024", 4, "tags[1]", '2024 is read as a number: write "2024"'),
        ("inputs: {a: string}", 2, "inputs", "it must be a list, not a mapping"),
        ("inputs: [a]", 2, "inputs[0]", "it must be a mapping of keys to values, not 'a'"),
        ("registry: true", 2, "registry", "it must be a mapping of keys to values"),
        ("registry:", 2, "registry", "it has no value"),
        ("secrets: [{name: A, value: b}]", 2, "secrets[0]", "it must be text, not a mapping"),
        ("environment: [[A]]", 2, "environment[0]", "it must be"),
        # Values.
        ("agent_id: a/b", 2, "agent_id", "not 'a/b'"),
        ("version: a b", 2, "version", "it must be like 1.2.0"),
        ("handler: handler", 2, "handler", "it must be module:function"),
        ("handler: import:run", 2, "handler", "'import' is a keyword of Python"),
        ("handler: ../a:run", 2, "handler", "it must be module:function"),
        ("inputs: [{name: 1a, type: string}]", 2, "inputs[0].name", "begin with a letter"),
        ("inputs: [{name: a, type: text}]", 2, "inputs[0].type", "one of string, integer"),
        (
            "inputs:\n  - {name: a, type: string}\n  - name: a\n    type: string",
            4,
            "inputs[1].name",
            "'a' is in the list already",
        ),
        (
            "inputs: [{name: a, type: integer, default: '5'}]",
            2,
            "inputs[0].default",
            "it must be an integer, as its type says, not '5'",
        ),
        (
            "inputs: [{name: a, type: boolean, default: 1}]",
            2,
            "inputs[0].default",
            "it must be a boolean",
        ),
        (
            "inputs: [{name: a, type: string, default: 1.10}]",
            2,
            "inputs[0].default",
            "it must be a string",
        ),
        (
            "inputs: [{name: a, type: string, default: x, required: true}]",
            2,
            "inputs[0].required",
            "what has a default is not required",
        ),
        (
            "inputs: [{name: a, type: string, default: null}]",
            2,
            "inputs[0].default",
            "it has no value",
        ),
        ("outputs: [{name: a, type: any}]", 2, "outputs[0].type", "not 'any'"),
        ("skills: [{id: a b, name: b, description: c}]", 2, "skills[0].id", "not 'a b'"),
        ("tags: [a, a]", 2, "tags[1]", "'a' is in the list already"),
        ("tags: ['']", 2, "tags[0]", "not be empty"),
        ("tags: [' a']", 2, "tags[0]", "nor begin or end with blanks"),
        (f"tags: [{'a' * 65}]", 2, "tags[0]", "64 characters, not 65"),
        ("tags: [" + ", ".join(f"t{n}" for n in range(65)) + "]", 2, "tags", "64 of them, not 65"),
        ("requirements: [--index-url http://x]", 2, "requirements[0]", "options of pip"),
        ("requirements: ['numpy\\n--pre']", 2, "requirements[0]", "not a requirement"),
        ('requirements: ["numpy\\n--pre"]', 2, "requirements[0]", "without '\\n'"),
        ("requirements: ['a===1\\']", 2, "requirements[0]", "no comment"),
        ("requirements: ['a===$B']", 2, "requirements[0]", "no comment"),
        ("requirements: ['a>=1 ; extra == \"x #\"']", 2, "requirements[0]", "no comment"),
        ("agent_id: ''", 2, "agent_id", "must not be empty"),
        ("requirements: ['a @ file:///etc']", 2, "requirements[0]", "is no URL"),
        ("requirements: ['a @ https://u:p@h/a.whl']", 2, "requirements[0]", "not hold a user"),
        ("environment: [A-B]", 2, "environment[0]", "the name of a variable"),
        ("environment: [{name: A=B}]", 2, "environment[0].name", "the name of a variable"),
        ("environment: [AGENT_PORT]", 2, "environment[0]", "AGENT_PORT is taken"),
        ("environment: [PYTHONPATH]", 2, "environment[0]", "PYTHONPATH is taken"),
        ("environment: [{name: A, value: 1}]", 2, "environment[0].value", 'write "1" in quotes'),
        ('environment: [{name: A, value: "a\\nb"}]', 2, "environment[0].value", "without '\\n'"),
        ("environment: [A]\nsecrets: [A]", 2, "environment[0]", "one of the secrets as well"),
        ("secrets: [A=hunter2]", 2, "secrets[0]", "the name of a variable"),
        ("dependencies: [db]", 2, "dependencies[0]", "host:port, not 'db'"),
        ("dependencies: ['db:0']", 2, "dependencies[0]", "host:port"),
        ("dependencies: ['ftp://a']", 2, "dependencies[0]", "http:// or https://"),
        ("dependencies: ['http://u:p@a']", 2, "dependencies[0]", "not hold a user"),
        ("sync_timeout: 0", 2, "sync_timeout", "0.01 to 3600 seconds"),
        ("max_jobs: 0", 2, "max_jobs", "it must be 1 to 1000"),
        ("registry:\n  url: ftp://a", 3, "registry.url", "http:// or https://"),
        ("registry:\n  ttl_seconds: 0", 3, "registry.ttl_seconds", "1 to 86400"),
        ("registry: {heartbeat_interval: 31}", 2, "registry.heartbeat_interval", "half of"),
        ('base_image: "x\\nRUN id"', 2, "base_image", "it must be an image"),
        ("base_image: $(id)", 2, "base_image", "it must be an image"),
        ('description: "\\e[2J"', 2, "description", "without '\\x1b'"),
        ('description: "\\ud800"', 2, "description", "without '\\ud800'"),
        (
            'inputs: [{name: a, type: object, default: {b: ["\\ud800"]}}]',
            2,
            "inputs[0].default.b[0]",
            "without '\\ud800'",
        ),
    ],
)
def test_an_error_has_its_line_and_field(
    file: Path, text: str, line: int, field: str, message: str
) -> None:
    error = refused(file, f"name: a\n{text}\n")
    [problem] = [each for each in error.problems if message in each[2]]
    assert problem[:2] == (line, field)
    assert all(text.isprintable() for text in str(error).splitlines())


@pytest.mark.parametrize("text", ["[]", "word", "12"])
def test_a_spec_that_is_not_a_mapping_is_refused(file: Path, text: str) -> None:
    assert "it must be a mapping of keys to values" in str(refused(file, text))


def test_a_missing_or_invalid_name_is_refused(file: Path) -> None:
    assert str(refused(file, "\n\nport: 8000\n")) == f"{file}:3: it lacks 'name'"
    [problem] = refused(file, "name: An Agent\n").problems
    assert problem[:2] == (1, "name")


def test_messages_contain_no_control_characters(file: Path) -> None:
    assert str(refused(file, 'name: a\n"\\e[2J": 1\n"\\e[2J": 2\n')).isprintable()


def test_messages_do_not_repeat_passwords(file: Path) -> None:
    url = refused(file, "name: a\nregistry: {url: 'http://user:hunter2@a'}\n")
    requirement = refused(file, "name: a\nrequirements: ['a @ https://u:hunter2@a/b']\n")
    assert "hunter2" not in str(url) + str(requirement)


def test_a_missing_file_a_pipe_and_a_folder_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, message in (("no.yaml", "No such file"), ("pipe.yaml", "it is not a file")):
        with pytest.raises(SpecFileError, match=message):
            read_spec(tmp_path / name)
    with pytest.raises(SpecFileError, match="it is not a file"):
        read_spec(tmp_path)


def test_a_huge_file_is_not_read_to_its_end(file: Path) -> None:
    with file.open("wb") as output:
        output.truncate(2**40)
    with pytest.raises(SpecFileError, match="larger than 64 KiB"):
        read_spec(file)
