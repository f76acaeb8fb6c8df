"""The form of a spec, from its JSON schema: which field there is for which key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from deploygen.spec.reference import schema

# From this length on, a text has several lines to write it in.
LONG = 500


class Kind(StrEnum):
    """`LINES`: a list of texts, one a line. `ITEMS`: a list of objects. `ANY`: any JSON value.

    `SECTION`: an object, which may be switched off. `CHOICE`: may be left open.
    """

    TEXT = "text"
    LONG_TEXT = "long"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    ANY = "any"
    LINES = "lines"
    ITEMS = "items"
    SECTION = "section"


@dataclass(frozen=True)
class Shape:
    """`default`: as text, "" for none. `parts`: of an object, or of each item."""

    key: str
    kind: Kind
    help: str = ""
    default: str = ""
    is_required: bool = False
    is_whole: bool = False
    choices: tuple[str, ...] = ()
    parts: tuple["Shape", ...] = field(default=())


@cache
def shapes() -> tuple[Shape, ...]:
    whole = schema()
    return _shapes(whole, whole["$defs"])


def _shapes(of: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Shape, ...]:
    required = of.get("required", ())
    return tuple(
        _shape(key, node, definitions, is_required=key in required)
        for key, node in of["properties"].items()
    )


def _shape(
    key: str, node: Mapping[str, Any], definitions: Mapping[str, Any], *, is_required: bool
) -> Shape:
    part = _part(node.get("items", node), definitions)
    return Shape(
        key,
        _kind(node, has_parts=part is not None),
        help=_sentence(node.get("description", "")),
        default=_text(node.get("default")),
        is_required=is_required,
        is_whole=node.get("type") == "integer",
        choices=("true", "false") if node.get("type") == "boolean" else tuple(node.get("enum", ())),
        parts=() if part is None else _shapes(part, definitions),
    )


def _kind(node: Mapping[str, Any], *, has_parts: bool) -> Kind:
    type_ = node.get("type", "")
    if type_ == "array":
        return Kind.ITEMS if has_parts else Kind.LINES
    if has_parts:
        return Kind.SECTION
    if type_ == "boolean":
        return Kind.FLAG if "default" in node else Kind.CHOICE
    if "enum" in node:
        return Kind.CHOICE
    is_long = node.get("maxLength", 0) >= LONG and "pattern" not in node
    text = Kind.LONG_TEXT if is_long else Kind.TEXT
    return {"integer": Kind.NUMBER, "number": Kind.NUMBER, "string": text}.get(type_, Kind.ANY)


def _part(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for each in (node, *node.get("oneOf", ()), *node.get("anyOf", ())):
        if "$ref" in each:
            found: Mapping[str, Any] = definitions[each["$ref"].rpartition("/")[2]]
            return found
    return None


def _text(default: Any) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else f"{default}"


def _sentence(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"\1", text)
