"""Reading what a caller sends: bounded in size, time and depth, and JSON as RFC 8259 has it."""

import asyncio
import math
import re
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from pydantic_core import from_json
from starlette.requests import Request

LARGEST_BODY_BYTES = 1024 * 1024
# What is read, and thrown away, of a body that is too large: a connection that is closed while
# the caller still sends loses the answer.
LARGEST_REFUSED_BYTES = 16 * LARGEST_BODY_BYTES
READING_SECONDS = 30.0
# A number may be too large for a double; the parser makes an infinity of it.
PERHAPS_INFINITE = re.compile(rb"[eE]\+?\d{3}|\d{309}")


async def read_body(request: Request) -> bytes:
    """Return a JSON body. Raises HTTPException: 408, 413, 415."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A web page can make its visitors send anything to an agent near them, but not this type.
    if media_type != "application/json" and not re.fullmatch(r"application/.+\+json", media_type):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be application/json"
        )
    try:
        async with asyncio.timeout(READING_SECONDS):
            return await _read_bounded(request)
    except TimeoutError as error:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not come") from error


def parse_json(body: bytes) -> Any:
    """Return the value; its arrays and objects are nested 200 times at most. Raises ValueError."""
    value = from_json(body, allow_inf_nan=False)
    if PERHAPS_INFINITE.search(body) and not _is_finite(value):
        raise ValueError("a number is too large")
    return value


async def _read_bounded(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= LARGEST_BODY_BYTES:
            parts.append(part)
        elif size > LARGEST_REFUSED_BYTES:
            break
    if size > LARGEST_BODY_BYTES:
        raise HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {LARGEST_BODY_BYTES} bytes"
        )
    return b"".join(parts)


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        value = list(value.values())
    return not isinstance(value, list) or all(map(_is_finite, value))
