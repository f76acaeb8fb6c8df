"""Repeats a text."""

from typing import Any

from fastapi import HTTPException

MOST_TIMES = 100


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    times = inputs["times"]
    if not 1 <= times <= MOST_TIMES:
        raise HTTPException(422, f"times must be 1 to {MOST_TIMES}")
    return {"echo": " ".join([inputs["text"]] * times)}
