import codecs
import json
import math
from typing import Any

# Readers in other languages cannot hold larger integers.
MAX_INTEGER = 2**63


class InvalidJSON(ValueError):
    """The message is for the caller."""


def parse_json(body: bytes) -> Any:
    """Parse RFC 8259, in UTF-8, perhaps with byte order mark. Raise InvalidJSON.

    It refuses NaN, infinities, integers beyond 2**63, numbers beyond a double, and duplicate keys.
    """
    try:
        return json.loads(
            body.removeprefix(codecs.BOM_UTF8).decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_int=_bounded,
            parse_float=_finite,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise InvalidJSON("The body is not in UTF-8.") from error
    except RecursionError as error:
        raise InvalidJSON("The body is nested too deep.") from error
    except ValueError as error:
        raise InvalidJSON(f"The body is not JSON: {error}.") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _bounded(text: str) -> int:
    # By length first: Python has its own message for very long ones.
    if len(text) <= len(str(-MAX_INTEGER)) and -MAX_INTEGER <= (number := int(text)) < MAX_INTEGER:
        return number
    raise ValueError(f"the number {text[:40]} is too large")


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise ValueError(f"the number {text[:40]} is too large")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    duplicate = next(key for key in keys if keys.count(key) > 1)
    raise ValueError(f"the key {duplicate[:80]!r} appears twice in one object")
