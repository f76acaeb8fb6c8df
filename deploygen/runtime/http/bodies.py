"""Reads bodies, bounded in size, time and depth, as JSON by RFC 8259."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from pydantic_core import from_json, to_json
from starlette.requests import Request

LARGEST_BODY_BYTES = 1024 * 1024
# Of all bodies being read.
LARGEST_TOGETHER_BYTES = 32 * LARGEST_BODY_BYTES
# Read and discarded: closing while the client still sends would lose the response.
LARGEST_REFUSED_BYTES = 16 * LARGEST_BODY_BYTES
READING_SECONDS = 30.0
RETRY_AFTER = {"Retry-After": "5"}
JSON_TYPES = re.compile(r"application/(json|.+\+json)")
# The parser makes infinities of numbers too large for doubles. The lookbehind makes the search
# linear.
PERHAPS_INFINITE = re.compile(rb"[eE]\+?\d{3}|(?<!\d)\d{309}")


class RequestBodies:
    """For the server's event loop."""

    def __init__(self) -> None:
        self._held = 0  # bytes of bodies that are not complete

    async def read(self, request: Request) -> bytes:
        """Return a JSON body. Raises HTTPException: 408, 413, 415, 503."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # A web page can make its visitors send anything but this type.
        if not JSON_TYPES.fullmatch(media_type):
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be application/json"
            )
        body = bytearray()
        try:
            async with asyncio.timeout(READING_SECONDS):
                await self._read_into(body, request)
            return bytes(body)
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not come") from error
        finally:
            self._held -= len(body)

    async def _read_into(self, body: bytearray, request: Request) -> None:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_REFUSED_BYTES:
                break
            if size > LARGEST_BODY_BYTES:
                self._held -= len(body)
                body.clear()
                continue
            body += part
            self._held += len(part)
            if self._held > LARGEST_TOGETHER_BYTES:
                raise HTTPException(
                    HTTPStatus.SERVICE_UNAVAILABLE, "too much is being sent at a time", RETRY_AFTER
                )
        if size > LARGEST_BODY_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {LARGEST_BODY_BYTES} bytes"
            )


def parse_json(body: bytes) -> Any:
    """Raises ValueError, also for more than 200 levels."""
    value = from_json(body, allow_inf_nan=False)
    if PERHAPS_INFINITE.search(body) and not _is_finite(value):
        raise ValueError("a number is too large")
    return value


def _is_finite(value: Any) -> bool:
    # The texts differ only at infinities; ten times faster than a walk through the value.
    return to_json(value, inf_nan_mode="null") == to_json(value, inf_nan_mode="constants")
