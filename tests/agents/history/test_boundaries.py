"""Events have one writer, `record`, and one ordered reader, `feed`.

`past` writes those of a made-up fleet.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HISTORY = Path("agents/history")
TABLE = re.compile(r"\bagents_agentevent\b")
INSERTING = {"bulk_create", "create", "get_or_create", "update_or_create"}
CHANGING = {"bulk_update", "delete", "raw", "update"}
ORDERING = {"aggregate", "earliest", "first", "last", "latest", "order_by", "reverse"}


@cache
def modules() -> dict[Path, ast.Module]:
    """Return the modules that name the model or its table."""
    texts = {
        path.relative_to(ROOT): path.read_text()
        for package in ("agents", "registry_project")
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    }
    return {
        path: ast.parse(text)
        for path, text in texts.items()
        if "AgentEvent" in text or TABLE.search(text)
    }


def uses_of_rows(tree: ast.Module) -> Iterator[str]:
    """Yield code that creates or queries rows of AgentEvent, or names its table."""
    for node in ast.walk(tree):
        is_table = isinstance(node, ast.Constant) and TABLE.search(str(node.value))
        is_rows = isinstance(node, ast.Attribute) and ast.unparse(node) in {
            "AgentEvent.objects",
            "AgentEvent._default_manager",
            "AgentEvent._meta",
        }
        is_call = isinstance(node, ast.Call) and (
            ast.unparse(node.func) == "AgentEvent"
            or (ast.unparse(node.func) == "table" and "AgentEvent" in map(ast.unparse, node.args))
        )
        if is_table or is_rows or is_call:
            yield ast.unparse(node)


def inserts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        is_sql = isinstance(node, ast.JoinedStr) and "INTO {table(AgentEvent)}" in ast.unparse(node)
        is_new = isinstance(node, ast.Call) and ast.unparse(node.func) == "AgentEvent"
        if is_new or is_sql or calls_of(node, INSERTING):
            yield ast.unparse(node)


def changes(tree: ast.Module) -> Iterator[str]:
    return (ast.unparse(node) for node in ast.walk(tree) if calls_of(node, CHANGING))


def orders(tree: ast.Module) -> Iterator[str]:
    return (ast.unparse(node) for node in ast.walk(tree) if calls_of(node, ORDERING))


def calls_of(node: ast.AST, methods: set[str]) -> bool:
    """Return whether this calls one of `methods` on a queryset of AgentEvent."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in methods and "AgentEvent.objects" in ast.unparse(node.func.value)


def places(find: Callable[[ast.Module], Iterator[str]]) -> set[Path]:
    return {path for path, tree in modules().items() if any(find(tree))}


def test_only_the_history_package_accesses_events() -> None:
    outside = {path for path in places(uses_of_rows) if not path.is_relative_to(HISTORY)}
    assert outside == set()


@pytest.mark.parametrize(
    ("find", "modules"),
    [(inserts, {"record", "past"}), (changes, {"retention"}), (orders, {"feed"})],
)
def test_only_these_modules_insert_change_or_order_events(
    find: Callable[[ast.Module], Iterator[str]], modules: set[str]
) -> None:
    assert places(find) == {HISTORY / f"{module}.py" for module in modules}


@pytest.mark.parametrize(
    ("find", "source"),
    [
        (uses_of_rows, "AgentEvent(kind='expired')"),
        (uses_of_rows, "AgentEvent.objects.count()"),
        (uses_of_rows, "f'SELECT {table(AgentEvent)}'"),
        (uses_of_rows, "'DELETE FROM agents_agentevent'"),
        (inserts, "AgentEvent.objects.bulk_create(events)"),
        (inserts, "f'INSERT INTO {table(AgentEvent)}'"),
        (changes, "AgentEvent.objects.filter(pk=1).delete()"),
        (orders, "AgentEvent.objects.filter(pk__gt=1).order_by('pk')"),
    ],
)
def test_a_violation_is_detected(find: Callable[[ast.Module], Iterator[str]], source: str) -> None:
    assert any(find(ast.parse(source)))
    assert not any(find(ast.parse("kind: AgentEvent.Kind = AgentEvent.Kind.EXPIRED")))
