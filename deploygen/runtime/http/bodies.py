"""JSON by RFC 8259, bounded in size, time and depth."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from pydantic_core import from_json, to_json
from starlette.requests import Request

LARGEST_BODY_BYTES = 1024 * 1024
LARGEST_TOGETHER_BYTES = 32 * LARGEST_BODY_BYTES
# Discarded: closing while the client sends would lose the response.
LARGEST_REFUSED_BYTES = 16 * LARGEST_BODY_BYTES
READING_SECONDS = 30.0
RETRY_AFTER = {"Retry-After": "5"}
JSON_TYPES = re.compile(r"application/(json|.+\+json)")
# The parser turns such numbers into infinity. The lookbehind keeps the search linear.
PERHAPS_INFINITE = re.compile(rb"[eE]\+?\d{3}|(?<!\d)\d{309}")


class RequestBodies:
    """For one event loop."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Return a JSON body. Raises HTTPException: 408, 413, 415, 503."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # Web pages can make browsers send any other type.
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
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time"
            ) from error
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
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "too many bodies are being received at once",
                    RETRY_AFTER,
                )
        if size > LARGEST_BODY_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"a body may have at most {LARGEST_BODY_BYTES} bytes",
            )


def parse_json(body: bytes) -> Any:
    """Raises ValueError, also for more than 200 levels."""
    value = from_json(body, allow_inf_nan=False)
    if PERHAPS_INFINITE.search(body) and not _is_finite(value):
        raise ValueError("a number is too large")
    return value


def _is_finite(value: Any) -> bool:
    # Texts differ only at infinities. Walking through the value takes ten times longer.
    return to_json(value, inf_nan_mode="null") == to_json(value, inf_nan_mode="constants")
