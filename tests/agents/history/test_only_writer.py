"""Events have one writer: `agents.history`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WRITERS = {"record.py", "retention.py", "numbers.py"}
TABLE = re.compile(r"\bagents_agentevent\b")
WRITING = {"bulk_create", "create", "delete", "get_or_create", "update", "update_or_create"}


def writes(source: str) -> Iterator[str]:
    """Give what makes, changes or deletes rows of AgentEvent, or names its table for SQL."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and TABLE.search(str(node.value)):
            yield ast.unparse(node)
        if not isinstance(node, ast.Call):
            continue
        callee = ast.unparse(node.func)
        names_model = any(ast.unparse(argument) == "AgentEvent" for argument in node.args)
        is_writing = callee.rpartition(".")[2] in WRITING and "AgentEvent.objects" in callee
        if callee == "AgentEvent" or is_writing or (callee == "table" and names_model):
            yield ast.unparse(node)


def test_only_the_history_writes_events() -> None:
    found = {}
    for package in ("agents", "registry_project"):
        for path in (ROOT / package).rglob("*.py"):
            is_writer = path.parent.name == "history" and path.name in WRITERS
            if not is_writer and "migrations" not in path.parts:
                found[path.relative_to(ROOT)] = list(writes(path.read_text()))

    assert {path: calls for path, calls in found.items() if calls} == {}


def test_each_way_to_write_is_found() -> None:
    source = """
event = AgentEvent(kind="expired")
AgentEvent.objects.create(kind="expired")
AgentEvent.objects.filter(pk=1).delete()
sql = f"INSERT INTO {table(AgentEvent)} VALUES (1)"
sql = "DELETE FROM agents_agentevent"
"""
    assert len(list(writes(source))) == 5
    assert list(writes("AgentEvent.objects.filter(kind=AgentEvent.Kind.EXPIRED)")) == []
