"""An agent that has nothing but a spec yet: its folder, as generate_agent would write it."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploygen.output.content import Content
from deploygen.output.rendering import HANDLER, TEMPLATES, needs_handler, render
from deploygen.output.spec_text import spec_text
from deploygen.output.writing import USERS_FILES, with_marker
from deploygen.project.checks import check_project
from deploygen.project.files import Found
from deploygen.project.scaffold import BELOW_THE_SPEC, SPEC_FILE
from deploygen.spec.document import DocumentError, read_document
from deploygen.spec.errors import Problem, SpecError, make_spec
from deploygen.spec.file import overridden
from deploygen.spec.model import AgentSpec


@dataclass(frozen=True)
class NewAgent:
    """`files`: texts by path. The spec and the handler, and in `build/` what is generated."""

    spec: AgentSpec
    files: Mapping[str, str]


def new_agent(values: Mapping[str, Any], registry_url: str) -> NewAgent:
    """Make an agent from a spec's values. Raises SpecError.

    `registry_url`: of the registry that it joins if the values do not name one.
    """
    registry = values.get("registry", {})
    if isinstance(registry, dict) and "url" not in registry:
        values = overridden(dict(values), {"registry.url": registry_url})
    spec = make_spec(values)
    text = spec_text(dict(values))
    _check_text(text)
    with tempfile.TemporaryDirectory(prefix="agent-") as empty:
        _, problems = check_project(Path(empty), spec, Found())
    if problems:
        raise SpecError(problems)
    authors: dict[str, str] = {}
    if needs_handler(spec, ()):
        authors[HANDLER] = (TEMPLATES / HANDLER).read_text(encoding="utf-8")
    generated = with_marker(render(spec, authors), USERS_FILES - authors.keys())
    return NewAgent(
        spec,
        {
            SPEC_FILE: text,
            **authors,
            **{f"{BELOW_THE_SPEC}/{path}": _text(each) for path, each in sorted(generated.items())},
        },
    )


def _check_text(text: str) -> None:
    """Refuse what an agent.yaml cannot hold: too much of it, or too deep."""
    try:
        read_document(text.encode())
    except DocumentError as error:
        raise SpecError([Problem(error.path, error.problem, at=error.path)]) from error


def _text(content: Content) -> str:
    assert isinstance(content, str)  # noqa: S101 - copied files and wheels need a folder
    return content
