"""What an agent takes, by its /schema. Agents may send anything there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.json_values import text_at

MOST = 64
LONGEST_NAME = 64
LONGEST_TEXT = 500
TYPES = ("string", "integer", "number", "boolean", "array", "object")


class NotOfItsType(ValueError):
    """The message is for people."""


@dataclass(frozen=True)
class Input:
    """`default`: as JSON, "" for none."""

    name: str
    type: str
    description: str = ""
    default: str = ""
    is_required: bool = False

    def parse(self, text: str) -> Any:
        """Raise NotOfItsType. Whether the agent takes the value is for the agent to say."""
        if self.type == "string":
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            example = {"array": "[1, 2]", "object": '{"key": "value"}', "boolean": "true"}
            such_as = example.get(self.type, "5")
            raise NotOfItsType(f"It must be JSON, such as {such_as}.") from error


def inputs_of(schema: Any) -> list[Input]:
    """Return nothing for an agent that takes any object, and for what is not understood."""
    inputs = schema.get("inputs") if isinstance(schema, dict) else None
    properties = inputs.get("properties") if isinstance(inputs, dict) else None
    if not isinstance(properties, dict) or not 0 < len(properties) <= MOST:
        return []
    if any(len(name) > LONGEST_NAME or not name.isprintable() for name in properties):
        return []
    required = inputs.get("required") if isinstance(inputs, dict) else None
    names = required if isinstance(required, list) else []
    return [_input(name, node, is_required=name in names) for name, node in properties.items()]


def _input(name: str, node: Any, *, is_required: bool) -> Input:
    known: Mapping[str, Any] = node if isinstance(node, dict) else {}
    type_ = known.get("type")
    default = json.dumps(known["default"], ensure_ascii=False) if "default" in known else ""
    return Input(
        name,
        type_ if type_ in TYPES else "",
        text_at(known, "description")[:LONGEST_TEXT],
        default if len(default) <= LONGEST_TEXT else "",
        is_required,
    )
