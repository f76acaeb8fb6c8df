"""A database server that has stopped answering is not waited for by everybody, again and again."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

# Seconds for which nobody asks, after a call that was not answered.
PAUSE_SECONDS = 1.0


class Outage:
    """What this process knows of it. While it lasts, one call at a time finds out whether it does.

    `seconds` is how long a call waits for the server; None, as in a command that a person runs or
    in a migration, for as long as it takes.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._lock = threading.Lock()
        self._next_try: float | None = None

    def limit(self, seconds: float | None) -> None:
        """Let calls wait for so long from now on, and forget what went before."""
        self.seconds = seconds
        self._next_try = None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let the body ask the server. Raise OperationalError, at once, if nobody should now."""
        if self.seconds is None:
            yield
            return
        if self._next_try is not None:
            self._take_turn()
        started = time.monotonic()
        try:
            yield
        except psycopg.OperationalError as error:
            is_silent = time.monotonic() - started >= self.seconds
            if is_silent or isinstance(error, psycopg.errors.ConnectionTimeout):
                self._next_try = time.monotonic() + PAUSE_SECONDS
            else:
                self._next_try = None
            raise
        self._next_try = None

    def _take_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._next_try is None:
                return
            if now < self._next_try:
                raise psycopg.OperationalError("PostgreSQL did not answer a moment ago")
            # Should this one never come back, another has its turn after it.
            self._next_try = now + (self.seconds or 0) + PAUSE_SECONDS
