"""A server that thaws must not execute what its callers have given up."""

import time

import psycopg

CLOCK = "CLOCK_TIMESTAMP()"
TOO_LATE = "its caller gave up before"
MAX_AGE_SECONDS = 10.0


class ServerClock:
    """A lower bound: the reading is as old as the response that brought it.

    So deadlines have passed when callers give up, unless the clock is set back.
    """

    def __init__(self) -> None:
        self._offset = 0.0  # from our monotonic clock
        self._set_at = float("-inf")

    @property
    def is_known(self) -> bool:
        return time.monotonic() - self._set_at < MAX_AGE_SECONDS

    def set(self, shown: float) -> None:
        """`shown`: seconds since 1970, in a response that has just arrived."""
        now = time.monotonic()
        self._offset, self._set_at = shown - now, now

    def forget(self) -> None:
        self._set_at = float("-inf")

    def after(self, seconds: float) -> float:
        return time.monotonic() + self._offset + seconds


def in_time_sql(deadline: float | str) -> str:
    """Return TRUE, or an error after the deadline, which may be a parameter."""
    message = f"'{TOO_LATE} ' || CAST({CLOCK} AS TEXT)"
    return (
        f"(CASE WHEN {CLOCK} < TO_TIMESTAMP({deadline}) THEN TRUE"
        f" ELSE CAST({message} AS BOOLEAN) END)"
    )


def is_too_late(error: Exception) -> bool:
    return isinstance(error, psycopg.errors.InvalidTextRepresentation) and TOO_LATE in str(error)
