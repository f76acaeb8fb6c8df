"""Only the dialect depends on which database is used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from agents.database.dialect import dialect

PROJECT = Path(settings.BASE_DIR)
# The dialects, the choice of one, and the settings that name the database; migrations are never
# rewritten.
ALLOWED = (
    "agents/database/sqlite/",
    "agents/database/postgresql/",
    "agents/database/dialect.py",
    "agents/migrations/",
    "registry_project/settings/database.py",
    "registry_project/postgresql/",
)
DATABASES = {"sqlite", "sqlite3", "postgresql", "postgres"}
VENDOR_METHODS = {f"as_{vendor}" for vendor in ("sqlite", "postgresql", "mysql", "oracle")}
DIALECTS = ("agents.database.sqlite", "agents.database.postgresql")


def modules() -> list[Path]:
    found = [
        path
        for package in ("agents", "deploygen", "registry_project")
        for path in (PROJECT / package).rglob("*.py")
        if not path.relative_to(PROJECT).as_posix().startswith(ALLOWED)
    ]
    assert len(found) > 150
    return found


def branches(tree: ast.AST) -> Iterator[int]:
    """Yield the numbers of the lines that depend on which database is used."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="vendor"):
                yield node.lineno
            case ast.FunctionDef(name=name) if name in VENDOR_METHODS:
                yield node.lineno
            case ast.Import(names=names) if any(one.name.startswith(DIALECTS) for one in names):
                yield node.lineno
            case ast.ImportFrom(module=str(module)) if module.startswith(DIALECTS):
                yield node.lineno
            case ast.Compare():
                if any(_names_a_database(value) for value in [node.left, *node.comparators]):
                    yield node.lineno
            case ast.Dict(keys=keys) if any(_names_a_database(key) for key in keys):
                yield node.lineno


def _names_a_database(node: ast.AST | None) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return text.lower().split(".")[-1] in DATABASES
        case ast.Tuple(elts=elements) | ast.Set(elts=elements) | ast.List(elts=elements):
            return any(_names_a_database(element) for element in elements)
    return False


def test_no_other_module_branches_on_the_database() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}"
        for path in modules()
        for line in branches(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "a = 1 if connection.vendor == 'x' else 2",
        "class Now(Func):\n    def as_sqlite(self): ...",
        "from agents.database.sqlite import SQLite",
        "import agents.database.postgresql.clock",
        "if dialect.name == 'SQLite': ...",
        "if engine in ('a', 'django.db.backends.sqlite3'): ...",
        "NAMES = {'postgresql': 1}",
    ],
)
def test_a_dependency_on_the_database_is_detected(source: str) -> None:
    assert list(branches(ast.parse(source)))


def test_the_dialect_matches_the_database_of_the_settings() -> None:
    assert dialect.name.lower() in settings.DATABASES["default"]["ENGINE"]
