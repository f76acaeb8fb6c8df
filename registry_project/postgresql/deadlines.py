"""Deadlines by the server's clock: a statement whose caller has given up must do nothing.

A server that thaws executes what waits in its sockets, even if the client has closed them. So a
write carries a deadline, and the client keeps track of the server's clock.
"""

import time

import psycopg

CLOCK = "CLOCK_TIMESTAMP()"
TOO_LATE = "its caller gave up before"  # in the error of a statement
MAX_AGE = 10.0  # seconds: clocks drift, and can be set


class ServerClock:
    """A lower bound of what the server's clock shows now.

    The reading is as old as the response that brought it, so the estimate is never ahead: when the
    caller gives up, the deadline has passed. Only a clock that is set back breaks this.
    """

    def __init__(self) -> None:
        self._offset = 0.0  # from our monotonic clock
        self._set_at = float("-inf")

    @property
    def is_known(self) -> bool:
        return time.monotonic() - self._set_at < MAX_AGE

    def set(self, shown: float) -> None:
        """Set it from a response that has just arrived, in seconds since 1970."""
        now = time.monotonic()
        self._offset, self._set_at = shown - now, now

    def forget(self) -> None:
        self._set_at = float("-inf")

    def after(self, seconds: float) -> float:
        """Return a time that it shows within so many seconds."""
        return time.monotonic() + self._offset + seconds


def in_time_sql(deadline: float) -> str:
    """Return a condition that is true before the deadline, and then raises an error."""
    message = f"'{TOO_LATE} ' || CAST({CLOCK} AS TEXT)"
    return (
        f"(CASE WHEN {CLOCK} < TO_TIMESTAMP({deadline}) THEN TRUE"
        f" ELSE CAST({message} AS BOOLEAN) END)"
    )


def is_too_late(error: Exception) -> bool:
    return isinstance(error, psycopg.errors.InvalidTextRepresentation) and TOO_LATE in str(error)
