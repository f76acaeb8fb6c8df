"""YAML as a spec may have it: JSON's values, and the line on which each of them stands.

YAML means different things to different readers, so what could surprise is refused and not
guessed: keys that come twice or are no text, tags, and plain words that YAML 1.1 and YAML 1.2
(core schema, section 10.3) read differently, such as `no`, `017` or `2026-01-01`.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

LARGEST_BYTES = 64 * 1024
DEEPEST = 20
# Aliases may stand for much more than what is written.
MOST_VALUES = 10_000
LONGEST_INTEGER = 20
LONGEST_SHOWN = 40

TAG = "tag:yaml.org,2002:"
CORE_SCHEMA = {
    f"{TAG}null": re.compile(r"~|null|Null|NULL|"),
    f"{TAG}bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    f"{TAG}int": re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    f"{TAG}float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
STRING = f"{TAG}str"
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NO_JSON_NUMBER = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


class DocumentError(Exception):
    """The text is no document of ours. `line` counts from 1; `path` is "" for the whole."""

    def __init__(self, line: int, path: str, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class Document:
    """`lines` and `sources` go by paths such as "inputs[0].type"; `sources` has what was written
    where a plain word became something else than text."""

    value: Any
    lines: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def read_document(content: bytes) -> Document:
    """Raises DocumentError."""
    if len(content) > LARGEST_BYTES:
        raise DocumentError(1, "", f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(line, "", "it is not UTF-8") from error
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise DocumentError(line, "", f"it is no YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        character = f"U+{ord(text[error.position]):04X}"
        problem = f"it has the character {character}, which YAML does not take"
        raise DocumentError(line, "", problem) from error
    if node is None:
        raise DocumentError(1, "", "it is empty")
    return _Reading().document(node)


def joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check_events(text: str) -> None:
    """Refuse what must not even be composed, before anything is made of it."""
    depth = 0
    documents = 0
    for event in _events(text):
        line = _line(event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise DocumentError(line, "", f"it is nested more than {DEEPEST} levels deep")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise DocumentError(line, "", "it has a second document; a spec is one")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise DocumentError(line, "", f"tags are not taken, such as {_shown(tag)} here")


def _events(text: str) -> Iterator[yaml.Event]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
    return events


class _Reading:
    """Makes values of nodes. A class, since all that it finds goes to one place."""

    def __init__(self) -> None:
        self._values = 0
        self._lines: dict[str, int] = {}
        self._sources: dict[str, str] = {}

    def document(self, node: yaml.Node) -> Document:
        return Document(self._value(node, "", _line(node), ()), self._lines, self._sources)

    def _value(self, node: yaml.Node, path: str, line: int, inside: tuple[yaml.Node, ...]) -> Any:
        self._values += 1
        self._lines[path] = line
        if self._values > MOST_VALUES:
            raise DocumentError(line, path, f"it has more than {MOST_VALUES} values")
        if any(node is outer for outer in inside) or len(inside) > DEEPEST:
            raise DocumentError(line, path, "its aliases lead into themselves, or too deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*inside, node))
        if isinstance(node, yaml.SequenceNode):
            return [
                self._value(item, f"{path}[{index}]", _line(item), (*inside, node))
                for index, item in enumerate(node.value)
            ]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, line)
        raise TypeError(f"YAML has no such node: {node}")

    def _mapping(
        self, node: yaml.MappingNode, path: str, inside: tuple[yaml.Node, ...]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            key = self._key(key_node, path, line)
            here = joined(path, key)
            if key in values:
                problem = f"it comes twice; line {self._lines[here]} has it first"
                raise DocumentError(line, here, problem)
            values[key] = self._value(value_node, here, line, inside)
        return values

    def _key(self, node: yaml.Node, path: str, line: int) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise DocumentError(line, path, "it has a key that is no text")
        if node.style is None and node.value == "<<":
            raise DocumentError(line, path, "merging by << is not taken; write the keys out")
        if node.style is None and not node.tag == _core_tag(node.value) == STRING:
            problem = f"its key {_shown(node.value)} is not read as text: put it in quotes"
            raise DocumentError(line, path, problem)
        key: str = node.value
        return key

    def _scalar(self, node: yaml.ScalarNode, path: str, line: int) -> Any:
        text: str = node.value
        if node.style is not None:
            return text
        tag = node.tag
        if tag != _core_tag(text):
            raise DocumentError(line, path, _ambiguous(text))
        if tag == STRING:
            return text
        self._sources[path] = text
        if tag == f"{TAG}null":
            return None
        if tag == f"{TAG}bool":
            return text.lower() == "true"
        if tag == f"{TAG}int":
            if not DECIMAL.fullmatch(text):
                raise DocumentError(line, path, _ambiguous(text))
            if len(text) > LONGEST_INTEGER:
                raise DocumentError(line, path, "it must fit into 64 bits")
            return int(text)
        number = math.inf if NO_JSON_NUMBER.fullmatch(text) else float(text)
        if math.isinf(number):
            raise DocumentError(line, path, f"JSON has no number such as {_shown(text)}")
        return number


def _core_tag(text: str) -> str:
    """Return what the core schema of YAML 1.2 takes a plain word for."""
    return next((tag for tag, words in CORE_SCHEMA.items() if words.fullmatch(text)), STRING)


def _ambiguous(text: str) -> str:
    shown = _shown(text)
    if text.lower() in ("yes", "no", "on", "off"):
        return f'{shown} is true or false to some readers: write true, false, or "{text}" in quotes'
    return (
        f'{shown} is not the same to all readers of YAML: write "{shown}" in quotes if it is text, '
        "else a plain decimal number"
    )


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _line(where: yaml.Node | yaml.Event) -> int:
    mark = where.start_mark
    return 1 if mark is None else mark.line + 1
