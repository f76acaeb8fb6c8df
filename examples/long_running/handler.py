"""Counts primes: long work that clients can wait for or cancel."""

import asyncio
import math
import time
from typing import Any

from fastapi import HTTPException

HIGHEST = 10**12
PORTION = 100_000


async def count(inputs: dict[str, Any]) -> dict[str, Any]:
    below, pause = inputs["below"], inputs["pause"]
    if not 0 <= below <= HIGHEST or not 0 <= pause <= 60:
        raise HTTPException(422, f"below must be 0 to {HIGHEST}, and pause 0 to 60")
    begun = time.monotonic()
    primes = 0
    for start in range(0, below, PORTION):
        # A thread, so that the loop is not blocked; portions, since a coroutine can only be
        # cancelled at an await.
        primes += await asyncio.to_thread(primes_between, start, min(start + PORTION, below))
        await asyncio.sleep(pause)
    return {"primes": primes, "seconds": round(time.monotonic() - begun, 3)}


def primes_between(start: int, end: int) -> int:
    """Count the primes from `start` to `end`, excluding `end`."""
    may_be_prime = bytearray([1]) * (end - start)
    for number in range(start, min(2, end)):
        may_be_prime[number - start] = 0
    for divisor in range(2, math.isqrt(end) + 1):
        first = max(divisor * divisor, -(-start // divisor) * divisor)
        may_be_prime[first - start :: divisor] = bytes(len(range(first, end, divisor)))
    return sum(may_be_prime)
