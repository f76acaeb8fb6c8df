"""What agent.json declares of the work, such as inputs and skills, checked when it is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
# The input that a text is where none are declared.
TEXT_INPUT = "input"
# module:function, where the module may be in a package.
HANDLER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class Declared:
    """One input, or one output; an output is always required."""

    name: str
    type: JsonType
    description: str = ""
    required: bool = True
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True)
class Skill:
    id: str
    name: str
    description: str
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def text_input(inputs: Sequence[Declared]) -> str | None:
    """Return which input a mere text is; None when that cannot be said.

    It is the only one of type string that is required, else the only one of type string; "input"
    where none are declared.
    """
    if not inputs:
        return TEXT_INPUT
    strings = [each for each in inputs if each.type == "string"]
    for candidates in ([each for each in strings if each.required], strings):
        if len(candidates) == 1:
            return candidates[0].name
    return None


def read_declared(document: Mapping[str, Any], key: str) -> tuple[Declared, ...]:
    """Read the inputs or the outputs. Raises ValueError, which names the key."""
    declared = tuple(_declared(entry, key) for entry in _objects(document, key))
    if len({each.name for each in declared}) < len(declared):
        raise ValueError(f"{key} has a name twice")
    return declared


def read_skills(document: Mapping[str, Any]) -> tuple[Skill, ...]:
    """Read the skills. Raises ValueError."""
    return tuple(
        Skill(
            id=_text(entry, "id", "skills"),
            name=str(entry.get("name") or entry["id"]),
            description=str(entry.get("description") or entry.get("name") or entry["id"]),
            tags=read_texts(entry, "tags"),
            examples=read_texts(entry, "examples"),
        )
        for entry in _objects(document, "skills")
    )


def read_texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Read a list of strings, empty when there is none. Raises ValueError."""
    texts = document.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{key} must be a list of strings")
    return tuple(texts)


def read_defaults(document: Mapping[str, Any]) -> dict[str, str]:
    """Read the environment, and return what has a default. Raises ValueError."""
    environment = document.get("environment", {})
    if not isinstance(environment, dict) or not all(
        isinstance(value, str | None) for value in environment.values()
    ):
        raise ValueError("environment must be an object of strings, or null where there is none")
    return {name: value for name, value in environment.items() if value is not None}


def read_handler(document: Mapping[str, Any]) -> str:
    """Read the handler as module:function. Raises ValueError."""
    handler = document.get("handler", "handler:handle")
    if not isinstance(handler, str) or not HANDLER.fullmatch(handler):
        raise ValueError(f"handler must be module:function, not {handler!r}")
    return handler


def _declared(entry: Mapping[str, Any], key: str) -> Declared:
    name = _text(entry, "name", key)
    if entry.get("type") not in get_args(JsonType):
        expected = ", ".join(get_args(JsonType))
        raise ValueError(f"{key}: the type of {name!r} must be one of {expected}")
    default = entry.get("default")
    return Declared(
        name=name,
        type=entry["type"],
        description=str(entry.get("description", "")),
        required=bool(entry.get("required", True)) and default is None,
        has_default=default is not None,  # no type has null among its values
        default=default,
    )


def _objects(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{key} must be a list of objects")
    return entries


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    text = entry.get(key)
    if isinstance(text, str) and text:
        return text
    raise ValueError(f"{where}: each needs a text as its {key}")
