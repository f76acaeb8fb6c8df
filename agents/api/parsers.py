"""Reading a request's body: strict JSON, and no more of it than is allowed."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have {limit:,} bytes.")


class LengthRequired(APIException):
    status_code = 411
    default_detail = "Send the body with its length (Content-Length), not in chunks."
    default_code = "length_required"


def check_length(request: Request, limit: int) -> None:
    """Raise BodyTooLarge, or LengthRequired, by what the headers say of the body.

    WSGI gives no end to a body that comes in chunks, so it would be taken for an empty one.
    """
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    if not length.isdecimal():
        raise ParseError("Content-Length is no number.")
    if int(length) > limit:
        raise BodyTooLarge(limit)


class StrictJSONParser(BaseParser):
    """JSON in UTF-8 by RFC 8259, and nothing that only Python takes for JSON.

    Refused beside broken text: NaN and infinities, also as numbers too large for a double; a key
    that stands twice in one object; nesting too deep to read.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        return parse_json(stream.read())


def parse_json(body: bytes) -> Any:
    """Return what a body says. Raise ParseError."""
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_without_doubles,
        )
    except UnicodeDecodeError as error:
        raise ParseError("The body is not in UTF-8.") from error
    except RecursionError as error:
        raise ParseError("The body is nested too deep.") from error
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}.") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise ValueError(f"the number {text[:40]} is too large")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    double = next(key for key in keys if keys.count(key) > 1)
    raise ValueError(f"the key {double[:80]!r} stands twice in one object")
