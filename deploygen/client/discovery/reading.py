"""Reads a response within limits of time and size."""

import asyncio
import time

import httpx

from .calls import too_long


def read_text(response: httpx.Response, seconds: float) -> bytes:
    text = b""
    end = time.monotonic() + seconds
    for chunk in response.iter_bytes():
        text += chunk
        if error := too_long(len(text)):
            raise error
        if time.monotonic() > end:
            raise httpx.ReadTimeout("")
    return text


async def read_text_async(response: httpx.Response, seconds: float) -> bytes:
    text = b""
    async with asyncio.timeout(seconds):
        async for chunk in response.aiter_bytes():
            text += chunk
            if error := too_long(len(text)):
                raise error
    return text
