"""An agent's metadata in rows, one for each key, which stay readable however deep it is nested."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Deeper levels are set in no further: there would be no width left for what they say.
DEEPEST_INDENT = 6


@dataclass(frozen=True)
class Row:
    """`value`: None for what holds further rows, which `holds` tells."""

    depth: int
    key: str
    value: str | None
    holds: str = ""

    @property
    def indent(self) -> int:
        return min(self.depth, DEEPEST_INDENT)


def rows(metadata: Mapping[str, Any]) -> Iterator[Row]:
    """Give the rows of `metadata`, each before those that are inside of it."""
    waiting = [(0, key, value) for key, value in reversed(list(metadata.items()))]
    while waiting:
        depth, key, value = waiting.pop()
        if not isinstance(value, dict | list) or not value:
            yield Row(depth, key, _text(value))
            continue
        inside = value.items() if isinstance(value, dict) else enumerate(value, start=1)
        yield Row(depth, key, None, _holds(value))
        waiting += [(depth + 1, str(name), each) for name, each in reversed(list(inside))]


def as_json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata, indent=2, ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _holds(value: dict[str, Any] | list[Any]) -> str:
    count = len(value)
    if isinstance(value, dict):
        return f"{count} key" if count == 1 else f"{count} keys"
    return f"{count} entry" if count == 1 else f"{count} entries"
