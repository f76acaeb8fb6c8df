"""Prints the demo's steps."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

POLL_SECONDS = 0.02

T = TypeVar("T")


class StepError(Exception):
    """A step failed; the message says what was observed."""


class Step:
    """`result`: the end of the step's line."""

    def __init__(self) -> None:
        self.result = ""


class Steps:
    """Prints a line for each step: seconds since the start, title and result."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run one step. An exception is printed under its title, and raised again."""
        step = Step()
        try:
            yield step
        except Exception as error:
            self._print("FAILED", 31, title, str(error) or type(error).__name__)
            raise
        self._print("ok", 32, title, step.result)

    def _print(self, verdict: str, colour: int, title: str, result: str) -> None:
        word = f"{verdict:<6}"
        if self._coloured:
            word = f"\x1b[{colour}m{word}\x1b[0m"
        seconds = time.monotonic() - self._began
        print(f"{seconds:6.2f} s  {word}  {title:<51} {result}".rstrip(), flush=True)


def poll(condition: Callable[[], T | None], seconds: float, what: str) -> T:
    """Call `condition` until its result is true. Raises StepError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise StepError(f"timed out after {seconds:g} s: {what}")
        time.sleep(POLL_SECONDS)
