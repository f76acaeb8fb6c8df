"""The published schema, the table in the docs, the reader and the examples agree."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from deploygen.project.scaffold import write_scaffold
from deploygen.spec.file import SpecFileError, read_spec
from deploygen.spec.reference import PAGE, SCHEMA, TABLE, schema, schema_text, table
from tests.deploygen.spec.test_file import WHOLE

PROJECT = Path(__file__).parents[3]
EXAMPLES = sorted(PROJECT.glob("examples/*/agent.yaml"))


def is_valid(document: Any) -> bool:
    found: bool = jsonschema.Draft202012Validator(schema()).is_valid(document)
    return found


AGAIN = "write it again: python -m deploygen.spec.reference"


def test_the_published_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text() == schema_text(), AGAIN


def test_the_table_in_the_documentation_is_up_to_date() -> None:
    assert TABLE.findall(PAGE.read_text()) == [table()], AGAIN


def test_the_table_has_every_key_with_its_values_and_its_default() -> None:
    rows = table().splitlines()
    assert "| `port` | The port that the agent listens on. | 1024 to 65535 | `8000` |" in rows
    assert len([row for row in rows if row.startswith("| `registry.")]) == 3


def test_the_schema_is_a_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_all_examples_are_found() -> None:
    assert [path.parent.name for path in EXAMPLES] == ["chat", "echo", "long_running"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_are_valid(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())
    assert read_spec(path).spec().name


def test_the_scaffold_is_valid_with_every_comment_removed(tmp_path: Path) -> None:
    write_scaffold(tmp_path / "new")
    text = (tmp_path / "new" / "agent.yaml").read_text()
    keys = "|".join(schema()["properties"])
    used = set(yaml.safe_load(text))
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        is_yaml = bare.startswith("  ") or bare.split(":")[0] in keys.split("|")
        lines.append(bare if line.startswith("# ") and is_yaml else line)
    whole = "\n".join(lines)
    assert set(yaml.safe_load(whole)) == set(schema()["properties"])
    assert used < set(schema()["properties"])
    jsonschema.validate(yaml.safe_load(whole), schema())
    (tmp_path / "agent.yaml").write_text(whole)
    read_spec(tmp_path / "agent.yaml").spec()


def test_the_example_in_the_documentation_is_valid(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "agents.md").read_text()
    [text] = [part.split("```")[0] for part in page.split("```yaml\n")[1:]]
    jsonschema.validate(yaml.safe_load(text), schema())
    (tmp_path / "agent.yaml").write_text(text)
    read_spec(tmp_path / "agent.yaml").spec()
    assert set(yaml.safe_load(text)) == set(schema()["properties"])


SAME = [
    {},
    {"name": "A"},
    {"name": "a", "port": 80},
    {"name": "a", "port": 8000.5},
    {"name": "a", "port": "8000"},
    {"name": "a", "port": True},
    {"name": "a", "prot": 1},
    {"name": "a", "version": 1.1},
    {"name": "a", "version": "1 1"},
    {"name": "a", "description": None},
    {"name": "a", "description": "x" * 500},
    {"name": "a", "description": "x" * 501},
    {"name": "a", "agent_id": "x" * 256},
    {"name": "a", "handler": "a"},
    {"name": "a", "handler": "a.b:c"},
    {"name": "a", "inputs": [{"name": "a"}]},
    {"name": "a", "inputs": [{"name": "a", "type": "any"}]},
    {"name": "a", "inputs": [{"name": "1", "type": "string"}]},
    {"name": "a", "inputs": [{"name": "a", "type": "string", "default": "x"}]},
    {"name": "a", "inputs": [{"name": "a", "type": "string", "default": None}]},
    {"name": "a", "inputs": [{"name": "a", "type": "string", "required": "no"}]},
    {"name": "a", "outputs": [{"name": "a", "type": "string", "default": "x"}]},
    {"name": "a", "skills": [{"id": "a", "name": "b", "description": "c"}]},
    {"name": "a", "skills": [{"id": "a", "name": "", "description": "c"}]},
    {"name": "a", "tags": ["b", "b"]},
    {"name": "a", "tags": ["b" * 65]},
    {"name": "a", "tags": ["b"] + [f"b{number}" for number in range(64)]},
    {"name": "a", "environment": ["B", {"name": "C"}]},
    {"name": "a", "environment": ["b c"]},
    {"name": "a", "environment": [{"value": "c"}]},
    {"name": "a", "environment": [5]},
    {"name": "a", "secrets": ["B", "B"]},
    {"name": "a", "secrets": [{"name": "B"}]},
    {"name": "a", "dependencies": [""]},
    {"name": "a", "sync_timeout": 0},
    {"name": "a", "sync_timeout": 0.01},
    {"name": "a", "max_jobs": 1001},
    {"name": "a", "registry": False},
    {"name": "a", "registry": True},
    {"name": "a", "registry": {}},
    {"name": "a", "registry": {"url": "ftp://a"}},
    {"name": "a", "registry": {"url": "http://a?b"}},
    {"name": "a", "registry": {"ttl_seconds": 86_401}},
    {"name": "a", "registry": {"heartbeat_interval": 0}},
    {"name": "a", "index_url": "https://a/simple"},
    {"name": "a", "index_url": "ftp://a"},
    {"name": "a", "index_url": "https://b:c@a"},
    {"name": "a", "extra_index_urls": ["https://a", "https://a"]},
    {"name": "a", "extra_index_urls": "https://a"},
    {"name": "a", "base_image": "a b"},
    {"name": "a", "slim": "true"},
    yaml.safe_load(WHOLE),
]


@pytest.mark.parametrize("document", SAME, ids=str)
def test_the_schema_and_the_reader_accept_the_same_documents(
    document: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(json.dumps(document))
    try:
        read_spec(path).spec()
    except SpecFileError:
        taken = False
    else:
        taken = True
    assert taken == is_valid(document)
