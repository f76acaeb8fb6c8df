"""The diagrams in docs/architecture.md match the imports, and no module is long."""

import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from django.conf import settings

PROJECT = Path(settings.BASE_DIR)
PAGE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")

MOST_LINES = 200

Arrows = set[tuple[str, str]]


def drawn() -> list[Arrows]:
    """Return the arrows of each diagram."""
    diagrams = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    return [
        set(re.findall(r"^ +([\w.]+) --> ([\w.]+)$", diagram, re.MULTILINE)) for diagram in diagrams
    ]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "agents", "deploygen", exclude_type_checking_imports=True, cache_dir=None
    )


def imports(graph: grimp.ImportGraph, package: str, shown: set[str]) -> dict[str, set[str]]:
    """Return which of the `shown` parts of `package` each of them imports."""
    found: dict[str, set[str]] = {part: set() for part in shown}
    for module in graph.modules:
        importer = _part(module, package)
        for imported in graph.find_modules_directly_imported_by(module):
            other = _part(imported, package)
            if importer in shown and other in shown and importer != other:
                found[importer].add(other)
    return found


def _part(module: str, package: str) -> str:
    """Return the part of `package` that contains a module, such as "api" for "agents.api.views"."""
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(package) else ""


def needed(found: dict[str, set[str]]) -> Arrows:
    """Return the arrows that are not implied by others."""

    def reached(start: str, without: str) -> Iterator[str]:
        for other in found[start] - {without}:
            yield other
            yield from reached(other, "")

    return {
        (start, end) for start in found for end in found[start] if end not in reached(start, end)
    }


@pytest.mark.parametrize(("diagram", "package"), [(0, "agents"), (1, "deploygen")])
def test_a_diagram_shows_the_imports(graph: grimp.ImportGraph, diagram: int, package: str) -> None:
    arrows = {
        (start.removeprefix(f"{package}."), end.removeprefix(f"{package}."))
        for start, end in drawn()[diagram]
    }
    shown = {name for arrow in arrows for name in arrow}

    assert arrows == needed(imports(graph, package, shown))


def test_every_package_of_the_registry_is_in_its_diagram() -> None:
    folders = {path.parent.name for path in (PROJECT / "agents").glob("*/__init__.py")}

    shown = {name for arrow in drawn()[0] for name in arrow}

    # Event streams import none of the others; the web server uses them.
    assert folders - shown == {"migrations", "event_streams"}


def test_every_named_file_exists() -> None:
    named = re.findall(r"`((?:agents|deploygen|registry_project|templates)/[\w./]*)`", PAGE)

    assert len(named) > 20
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for package in ("agents", "deploygen", "registry_project")
        for path in (PROJECT / package).rglob("*.py")
    }
    assert lengths
    assert {path for path, lines in lengths.items() if lines > MOST_LINES} == set()
