"""agent.yaml: from a file to a spec, with the line and the field of whatever is wrong in it."""

import difflib
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploygen.spec.document import LARGEST_BYTES, Document, DocumentError, joined, read_document
from deploygen.spec.model import AgentSpec, EnvironmentVariable, Input, Output, Skill, SpecError
from deploygen.spec.schema import Schema, schema

# Attributes of the spec that have another path in the file.
PATHS = {
    "registry_url": "registry.url",
    "ttl_seconds": "registry.ttl_seconds",
    "heartbeat_interval": "registry.heartbeat_interval",
}
KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
}
PYTHON_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
LONGEST_SHOWN = 60


class SpecFileError(Exception):
    """The file cannot be used: the message has its name, the line and the field."""

    def __init__(
        self, path: Path, problem: str, *, line: int | None = None, field: str = ""
    ) -> None:
        where = str(path) if line is None else f"{path}:{line}"
        text = f"{where}: {field}: {problem}" if field else f"{where}: {problem}"
        # A key may hold what moves a terminal's cursor.
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
        self.line = line
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class SpecFile:
    """What a file says of an agent. `fields` are those of AgentSpec that it gives."""

    path: Path
    fields: Mapping[str, Any]
    lines: Mapping[str, int]
    # Whether it says that there is none.
    without_registry: bool = False

    def spec(self, **options: Any) -> AgentSpec:
        """Make the spec; `options` are fields that beat those of the file.

        Raises SpecFileError for what the file says, SpecError for what the options say.
        """
        try:
            return AgentSpec(**{**self.fields, **options})
        except SpecError as error:
            if error.field in options:
                raise
            path = PATHS.get(error.field, error.field)
            found = path
            while found and found not in self.lines:
                # "environment[0].name" is "environment[0]" where only the name is given.
                found = found[: max(found.rfind("."), found.rfind("["), 0)]
            raise SpecFileError(
                self.path, error.problem, line=self.lines.get(found), field=found or path
            ) from error


def read_spec(path: Path) -> SpecFile:
    """Raises SpecFileError."""
    try:
        content = _read(path)
    except OSError as error:
        raise SpecFileError(path, f"it cannot be read: {error.strerror or error}") from error
    try:
        document = read_document(content)
        _check(document, document.value, schema(), "")
    except DocumentError as error:
        raise SpecFileError(path, error.problem, line=error.line, field=error.path) from error
    value = document.value
    return SpecFile(path, _fields(value), document.lines, value.get("registry") is False)


def _read(path: Path) -> bytes:
    # Opening a pipe would wait for somebody to write into it.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is no file")
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _check(document: Document, value: Any, rule: Schema, path: str) -> None:
    """Go through the document by the schema: which keys there are, and the types of values.

    What a value of the right type may be is for AgentSpec to say. Raises DocumentError.
    """
    line = document.lines[path]
    if "anyOf" in rule:
        rule = _chosen(rule, value)
    if "const" in rule:
        return
    kind = rule.get("type")
    if value is None:
        raise DocumentError(line, path, "it has no value: give it one, or leave the key out")
    if kind is None:
        return
    is_bool = isinstance(value, bool) and kind != "boolean"
    if is_bool or not isinstance(value, PYTHON_TYPES[kind]):
        raise DocumentError(line, path, _mistaken(value, kind, document.sources.get(path)))
    if value == "" and "pattern" in rule:
        # For AgentSpec, an empty text is one that was not given.
        raise DocumentError(line, path, "it must not be empty")
    if kind == "object":
        _check_keys(document, value, rule, path)
        for key, item in value.items():
            _check(document, item, rule["properties"][key], joined(path, key))
    elif kind == "array":
        for index, item in enumerate(value):
            _check(document, item, rule["items"], f"{path}[{index}]")


def _chosen(rule: Schema, value: Any) -> Schema:
    """Return the alternative that the value was meant for; the first one if there is no telling."""
    for choice in rule["anyOf"]:
        if "const" in choice and value is choice["const"]:
            return dict(choice)
        if "type" in choice and isinstance(value, PYTHON_TYPES[choice["type"]]):
            return dict(choice)
    return dict(rule["anyOf"][0])


def _check_keys(document: Document, value: Mapping[str, Any], rule: Schema, path: str) -> None:
    known = rule["properties"]
    for key in value:
        if key in known:
            continue
        shown = repr(key[:LONGEST_SHOWN])
        near = difflib.get_close_matches(key, known, n=1)
        if not path and key in PATHS:
            hint = f"it is {PATHS[key]}"
        elif not path and f"registry.{key}" in PATHS.values():
            hint = "it belongs to registry"
        elif near:
            hint = f"did you mean {near[0]!r}?"
        else:
            hint = f"there are {', '.join(known)}"
        line = document.lines[joined(path, key)]
        raise DocumentError(line, path, f"{shown} is not known; {hint}")
    for key in rule["required"]:
        if key not in value:
            raise DocumentError(document.lines[path], path, f"it lacks {key!r}")


def _mistaken(value: Any, kind: str, source: str | None) -> str:
    must = f"it must be {KINDS[kind]}"
    if kind == "string" and source is not None:
        is_a = "true or false" if isinstance(value, bool) else "a number"
        return f'{must}; {source} is read as {is_a}: write "{source}" in quotes'
    if kind == "integer" and isinstance(value, float):
        return f"{must}, not {source}"
    if isinstance(value, dict | list):
        return f"{must}, not {KINDS['object' if isinstance(value, dict) else 'array']}"
    shown = repr(value)
    return f"{must}, not {shown[:LONGEST_SHOWN]}"


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of AgentSpec for a document that was checked."""
    fields = {key: item for key, item in value.items() if key != "registry"}
    makers: dict[str, Callable[[Any], Any]] = {
        "inputs": _input,
        "outputs": lambda item: Output(**item),
        "skills": _skill,
        "environment": _variable,
    }
    for key, item in fields.items():
        if isinstance(item, list):
            make = makers.get(key)
            fields[key] = tuple(make(entry) if make else entry for entry in item)
    registry = value.get("registry") or {}
    for field, path in PATHS.items():
        if (key := path.removeprefix("registry.")) in registry:
            fields[field] = registry[key]
    return fields


def _input(item: Mapping[str, Any]) -> Input:
    return Input(**{"required": "default" not in item, **item})


def _skill(item: Mapping[str, Any]) -> Skill:
    lists = {key: tuple(item.get(key, ())) for key in ("tags", "examples")}
    return Skill(**{**item, **lists})


def _variable(item: Mapping[str, Any] | str) -> EnvironmentVariable:
    return EnvironmentVariable(item) if isinstance(item, str) else EnvironmentVariable(**item)
