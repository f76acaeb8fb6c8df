"""While PostgreSQL does not answer, one call at a time tries. Others fail at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

PAUSE_SECONDS = 1.0


class Outage:
    def __init__(self) -> None:
        self.seconds: float | None = None
        self._lock = threading.Lock()
        self._next_try: float | None = None

    def limit(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._next_try = None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Raise OperationalError unless it is this call's turn."""
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
            # This call may never return.
            self._next_try = now + (self.seconds or 0) + PAUSE_SECONDS
