"""Reads YAML as JSON values with their lines.

Refuses what parsers read differently: duplicate keys, tags, unquoted words such as `no`, `017` or
`2026-01-01`.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

LARGEST_BYTES = 64 * 1024
DEEPEST = 20
# Aliases can expand to billions.
MOST_VALUES = 10_000
HIGHEST_INTEGER = 2**63 - 1
LONGEST_SHOWN = 40

WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?|\.[0-9]+")
NOT_JSON = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
SURROGATE = re.compile("[\ud800-\udfff]")
RESOLVERS = (VersionedResolver((1, 1)), VersionedResolver((1, 2)))
TEXT = "tag:yaml.org,2002:str"
# Booleans in YAML 1.1, but in no parser.
LETTERS = frozenset("yYnN")


class DocumentError(Exception):
    """`line` counts from 1; `path` is "" for the whole."""

    def __init__(self, line: int, path: str, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.path = path
        self.problem = problem


@dataclass
class Document:
    """By paths such as "inputs[0].type". `sources`: unquoted words that are not text."""

    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def read_document(content: bytes) -> Document:
    """Raises DocumentError."""
    text = _decode(content)
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    yaml.composer.warn_double_anchors = False
    try:
        node = yaml.compose(text)
        for event in YAML(typ="safe", pure=True).parse(text):
            if tag := getattr(event, "tag", None):
                line = event.start_mark.line + 1
                raise DocumentError(line, "", f"tags are not supported, such as {_shown(tag)}")
    except MaxDepthExceededError as error:
        problem = f"it is nested more than {DEEPEST} levels deep"
        raise DocumentError(_line(error), "", problem) from error
    except MarkedYAMLError as error:
        raise DocumentError(_line(error), "", f"it is not YAML: {error.problem}") from error
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        character = f"U+{ord(text[error.position]):04X}"
        raise DocumentError(line, "", f"YAML does not allow the character {character}") from error
    if node is None:
        raise DocumentError(1, "", "it is empty")
    document = Document()
    document.value = _value(document, node, "", _line(node), DEEPEST)
    return document


def joined(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _decode(content: bytes) -> str:
    if len(content) > LARGEST_BYTES:
        raise DocumentError(1, "", f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(line, "", "it is not UTF-8") from error


def _value(document: Document, node: Node, path: str, line: int, levels: int) -> Any:
    document.lines[path] = line
    if len(document.lines) > MOST_VALUES:
        raise DocumentError(line, path, f"it has more than {MOST_VALUES} values")
    if levels < 0:
        problem = f"it is nested more than {DEEPEST} levels deep, or an alias contains itself"
        raise DocumentError(line, path, problem)
    if isinstance(node, MappingNode):
        return _mapping(document, node, path, levels)
    if isinstance(node, SequenceNode):
        return [
            _value(document, item, joined(path, index), _line(item), levels - 1)
            for index, item in enumerate(node.value)
        ]
    if not isinstance(node, ScalarNode) or node.style is not None:
        return _text(node.value, path, line)
    return _plain(document, node, path, line)


def _mapping(document: Document, node: MappingNode, path: str, levels: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        key = _key(key_node, path, line)
        here = joined(path, key)
        if key in values:
            problem = f"it occurs twice; the first is in line {document.lines[here]}"
            raise DocumentError(line, here, problem)
        values[key] = _value(document, value_node, here, line, levels - 1)
    return values


def _key(node: Node, path: str, line: int) -> str:
    if not isinstance(node, ScalarNode):
        raise DocumentError(line, path, "it has a key that is not text")
    key = _text(node.value, path, line)
    if node.style is None and key == "<<":
        raise DocumentError(line, path, "merging by << is not supported; write the keys out")
    if node.style is None and not is_text(key):
        problem = f"its key {_shown(key)} is not read as text: put it in quotes"
        raise DocumentError(line, path, problem)
    return key


def _plain(document: Document, node: ScalarNode, path: str, line: int) -> Any:
    text: str = node.value
    if is_text(text):
        return text
    document.sources[path] = text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        # int() refuses thousands of digits.
        if len(text) > LONGEST_SHOWN or abs(int(text)) > HIGHEST_INTEGER:
            raise DocumentError(line, path, "it must fit into 64 bits")
        return int(text)
    if NOT_JSON.fullmatch(text) or (FLOAT.fullmatch(text) and math.isinf(float(text))):
        raise DocumentError(line, path, f"JSON has no number such as {_shown(text)}")
    if FLOAT.fullmatch(text):
        return float(text)
    raise DocumentError(
        line,
        path,
        f"parsers of YAML read {_shown(text)} differently: write true or false, a plain decimal "
        f'number, or "{_shown(text)}" in quotes',
    )


def _text(text: str, path: str, line: int) -> str:
    if half := SURROGATE.search(text):
        raise DocumentError(line, path, f"it must be text, without {half[0]!r}")
    return text


def is_text(word: str) -> bool:
    found = {str(each.resolve(ScalarNode, word, (True, False))) for each in RESOLVERS}
    return found == {TEXT} or word in LETTERS


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _line(where: Any) -> int:
    for name in ("start_mark", "problem_mark", "context_mark"):
        if (mark := getattr(where, name, None)) is not None:
            line: int = mark.line + 1
            return line
    return 1
