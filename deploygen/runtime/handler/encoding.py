import json
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

LISTS = (list, tuple, set, frozenset, deque)
NUMBER_LIKE_KEY = re.compile(r'"(?:-?\d[\d.e+-]*+|true|false|null)": ')


class NotJson(ValueError):
    """The message has path and reason."""


def encode(value: Any) -> tuple[Any, bytes]:
    """Return a value of JSON's types, and its text.

    Encodes other types as Pydantic does, or by `tolist()`. Raises NotJson, or what the value
    raises.
    """
    try:
        return value, _text(value)
    except (TypeError, ValueError, RecursionError):
        try:
            value = _plain(value, (), frozenset())
        except RecursionError:
            raise NotJson("it is nested too deeply") from None
        return value, _text(value)


def is_object(value: Any) -> bool:
    return isinstance(value, Mapping | BaseModel) or _is_dataclass(value)


def _text(value: Any) -> bytes:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    # 1 and "1" are the same key.
    if NUMBER_LIKE_KEY.search(text) and json.dumps(json.loads(text), ensure_ascii=False) != text:
        raise NotJson("two keys of an object are the same in JSON")
    return text.encode()


def _plain(value: Any, path: tuple[Any, ...], around: frozenset[int]) -> Any:
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refusal(path, f"is {value}")
        return value
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _refusal(path, "has half a surrogate pair") from None
        return value
    if id(value) in around:
        raise _refusal(path, "contains itself")
    inside = around | {id(value)}
    if isinstance(value, Mapping):
        return _object(value.items(), path, inside)
    if isinstance(value, LISTS):
        return [_plain(each, (*path, number), inside) for number, each in enumerate(value)]
    try:
        found = to_jsonable_python(value, fallback=_fallback)
    except (PydanticSerializationError, UnicodeDecodeError):
        if is_object(value):
            _object(_members(value), path, inside)
        raise _refusal(
            path, f"is of the type {type(value).__qualname__}, which is not JSON"
        ) from None
    return _plain(found, path, inside)


def _object(
    members: Iterable[tuple[Any, Any]], path: tuple[Any, ...], inside: frozenset[int]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in members:
        name = _name(key, path)
        if name in found:
            raise _refusal(path, "has two keys that are the same in JSON")
        found[name] = _plain(value, (*path, name), inside)
    return found


def _name(key: Any, path: tuple[Any, ...]) -> str:
    if callable(tolist := getattr(key, "tolist", None)):
        key = tolist()
    try:
        if key is None or isinstance(key, str | bool | int | float):
            [name] = json.loads(json.dumps({key: None}, allow_nan=False))
        else:
            [name] = to_jsonable_python({key: None})
    except (PydanticSerializationError, ValueError):
        problem = f"has a key of the type {type(key).__qualname__}, which is not JSON"
        raise _refusal(path, problem) from None
    return str(_plain(name, (*path, "a key"), frozenset()))


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if _is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    else:
        yield from value


def _fallback(value: Any) -> Any:
    if callable(tolist := getattr(value, "tolist", None)) and not isinstance(value, type):
        return tolist()
    raise PydanticSerializationError(type(value).__qualname__)


def _is_dataclass(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _refusal(path: tuple[Any, ...], problem: str) -> NotJson:
    place = ".".join(map(str, path)) or "it"
    return NotJson(f"{place if place.isprintable() else ascii(place)} {problem}")
