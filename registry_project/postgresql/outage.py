"""While PostgreSQL does not answer, one call at a time checks it; all others fail at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

# Seconds without any call, after one that got no answer.
PAUSE_SECONDS = 1.0


class Outage:
    """Whether the server answers this process.

    `seconds` is how long a call waits for the server. None, as in commands and migrations: as long
    as it takes.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._lock = threading.Lock()
        self._next_try: float | None = None

    def limit(self, seconds: float | None) -> None:
        """Let calls wait for so many seconds from now on, and forget an earlier outage."""
        self.seconds = seconds
        self._next_try = None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Run a call. Raise OperationalError at once if it is not its turn to check the server."""
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
            # If this call never returns, another gets its turn later.
            self._next_try = now + (self.seconds or 0) + PAUSE_SECONDS
