"""What a form posts, as the values of a spec.

Fields are named by their paths: `inputs[0].type`. Numbers in them may have gaps, where items were
removed.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from deploygen.form.shapes import Kind, Shape, shapes
from deploygen.spec.document import joined
from deploygen.spec.errors import Problem

Posted = Mapping[str, Sequence[str]]
ON = "on"
# Without these, long forms could ask for millions of fields.
MOST_ITEMS = 64
LONGEST_NUMBER = 18
MISSING = object()


@dataclass
class Reading:
    """`names`: the names of fields by the spec's paths, which have no gaps."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)

    def by_field(self, problems: Sequence[Problem]) -> dict[str, list[str]]:
        """Return messages by the name of their field; by "" those of no field."""
        found: dict[str, list[str]] = {}
        for problem in problems:
            path = problem.at or problem.field
            text = f"{self.lines[path]}: {problem.text}" if path in self.lines else problem.text
            while path and path not in self.names:
                path = path[: max(path.rfind("."), path.rfind("["), 0)]
            found.setdefault(self.names.get(path, ""), []).append(text)
        return found


def read(posted: Posted) -> Reading:
    reading = Reading()
    reading.values = _object(posted, shapes(), "", "", reading)
    return reading


def first(posted: Posted, name: str) -> str:
    """Return "" if it is missing. Browsers send CR LF."""
    values = posted.get(name) or [""]
    return values[0].replace("\r\n", "\n")


def numbers_of_items(posted: Posted, name: str) -> list[int]:
    pattern = re.compile(rf"{re.escape(name)}\[([0-9]{{1,4}})\]")
    found = {int(match[1]) for key in posted if (match := pattern.match(key))}
    return sorted(found)[: MOST_ITEMS + 1]


def _object(
    posted: Posted, parts: Sequence[Shape], path: str, name: str, reading: Reading
) -> dict[str, Any]:
    values = {}
    for shape in parts:
        at, its_name = joined(path, shape.key), joined(name, shape.key)
        reading.names[at] = its_name
        value = _value(posted, shape, at, its_name, reading)
        if value is not MISSING:
            values[shape.key] = value
    return values


def _value(posted: Posted, shape: Shape, path: str, name: str, reading: Reading) -> Any:
    text = first(posted, name)
    if shape.kind is Kind.SECTION:
        inner = _object(posted, shape.parts, path, name, reading) if text else False
        return MISSING if inner == {} else inner
    if shape.kind is Kind.FLAG:
        is_on = bool(text)
        return MISSING if shape.default == str(is_on).lower() else is_on
    if shape.kind is Kind.ITEMS:
        return list(_items(posted, shape, path, name, reading)) or MISSING
    if shape.kind is Kind.LINES:
        return _lines(text, path, reading) or MISSING
    return _scalar(text, shape)


def _scalar(text: str, shape: Shape) -> Any:
    if not text.strip():
        return text if shape.is_required else MISSING
    if shape.kind is Kind.NUMBER:
        return _number(text.strip(), is_whole=shape.is_whole)
    if shape.kind is Kind.ANY:
        return _json(text)
    if shape.kind is Kind.CHOICE and "true" in shape.choices:
        return {"true": True, "false": False}.get(text, text)
    return text if shape.kind is Kind.LONG_TEXT else text.strip()


def _items(
    posted: Posted, shape: Shape, path: str, name: str, reading: Reading
) -> Iterator[dict[str, Any]]:
    index = 0
    for number in numbers_of_items(posted, name):
        its_name = joined(name, number)
        if _is_blank(posted, its_name):
            continue
        at = joined(path, index)
        reading.names[at] = its_name
        yield _object(posted, shape.parts, at, its_name, reading)
        index += 1


def _is_blank(posted: Posted, name: str) -> bool:
    names = [key for key in posted if key.startswith((f"{name}.", f"{name}["))]
    return not any(first(posted, each).strip() for each in names)


def _lines(text: str, path: str, reading: Reading) -> list[str]:
    found: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            reading.lines[joined(path, len(found))] = f"line {number}"
            found.append(line.strip())
    return found


def _number(text: str, *, is_whole: bool) -> Any:
    """Return what is no number as it is: the spec says what is wrong."""
    if re.fullmatch(rf"-?[0-9]{{1,{LONGEST_NUMBER}}}", text):
        return int(text)
    if not is_whole and re.fullmatch(rf"-?[0-9]{{1,{LONGEST_NUMBER}}}\.[0-9]{{1,9}}", text):
        return float(text)
    return text


def _json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        # "\ud800" is half a character.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text.strip()
    return value


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
