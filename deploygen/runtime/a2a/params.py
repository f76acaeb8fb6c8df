"""As in ProtoJSON, names may have underscores, and null means missing."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import errors
from .errors import RpcError

HUMP = re.compile(r"(?=[A-Z])")


def invalid(field: str, problem: str) -> RpcError:
    violation = {"field": field, "description": problem}
    return RpcError(errors.INVALID_PARAMS, f"{field} {problem}", [violation])


def member(params: Mapping[str, Any], name: str) -> Any:
    value = params.get(name)
    return params.get(HUMP.sub("_", name).lower()) if value is None else value


def required_object(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = member(params, name)
    if not isinstance(value, dict):
        raise invalid(name, "must be an object")
    return value


def optional_object(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {} if member(params, name) is None else required_object(params, name)


def text(params: Mapping[str, Any], name: str) -> str:
    value = member(params, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(name, "must be a string")
    return value


def texts(params: Mapping[str, Any], name: str) -> list[str]:
    value = member(params, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid(name, "must be a list of strings")
    return value


def flag(params: Mapping[str, Any], name: str) -> bool:
    value = member(params, name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid(name, "must be true or false")
    return value


def whole_number(params: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = member(params, name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(name, f"must be a whole number from {low} to {high}")
    return value


def moment(params: Mapping[str, Any], name: str) -> datetime | None:
    value = text(params, name)
    if not value:
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise invalid(name, "must be a time like 2026-01-31T12:00:00Z")
    return when


def history_length(params: Mapping[str, Any]) -> int | None:
    """None means all (section 3.2.4)."""
    return whole_number(params, "historyLength", 0, 2**31 - 1)
