import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_INDENT = 6


@dataclass(frozen=True)
class Row:
    """`value`: None for an object or a list, whose `size` rows follow."""

    depth: int
    key: str
    value: str | None
    size: str = ""

    @property
    def indent(self) -> int:
        return min(self.depth, MAX_INDENT)


def rows(metadata: Mapping[str, Any]) -> Iterator[Row]:
    stack = [(0, key, value) for key, value in reversed(list(metadata.items()))]
    while stack:
        depth, key, value = stack.pop()
        if not isinstance(value, dict | list) or not value:
            yield Row(depth, key, _text(value))
            continue
        children = value.items() if isinstance(value, dict) else enumerate(value, start=1)
        yield Row(depth, key, None, _size(value))
        stack += [(depth + 1, str(name), each) for name, each in reversed(list(children))]


def as_json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata, indent=2, ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _size(value: dict[str, Any] | list[Any]) -> str:
    count = len(value)
    if isinstance(value, dict):
        return f"{count} key" if count == 1 else f"{count} keys"
    return f"{count} entry" if count == 1 else f"{count} entries"
