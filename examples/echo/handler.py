"""Repeats a text."""

from typing import Any

from fastapi import HTTPException

MAX_TIMES = 100


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    times = inputs["times"]
    if not 1 <= times <= MAX_TIMES:
        raise HTTPException(422, f"times must be 1 to {MAX_TIMES}")
    return {"echo": " ".join([inputs["text"]] * times)}
