"""A spec's values as an agent.yaml, which is read as the same values."""

import re
from collections.abc import Iterator
from typing import Any

from deploygen.output.quoting import yaml_flow
from deploygen.spec.document import is_text

BARE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
STEP = "  "


def spec_text(values: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line in _mapping(values, ""))


def _mapping(values: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{_scalar(key)}:"
            yield from _mapping(value, indent + STEP)
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            yield f"{indent}{_scalar(key)}:"
            for each in value:
                yield from _item(each, indent + STEP)
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{indent}- {_scalar(value)}"
        return
    first, *rest = _mapping(value, indent + STEP)
    yield f"{indent}- {first.removeprefix(indent + STEP)}"
    yield from rest


def _scalar(value: Any) -> str:
    if isinstance(value, str) and BARE.fullmatch(value) and is_text(value):
        return value
    return yaml_flow(value)
