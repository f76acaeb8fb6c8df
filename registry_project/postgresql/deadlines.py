"""Deadlines by the server's clock: a statement whose caller has given up must do nothing.

A frozen server executes what waits in its sockets as soon as it thaws, even if the client has
closed the connection since. So a write carries its deadline, and the server compares it with its
own clock. To send one without asking for the time first, the client keeps track of that clock.
"""

import time

import psycopg

CLOCK = "CLOCK_TIMESTAMP()"
# Marks the error of a statement that missed its deadline.
TOO_LATE = "its caller gave up before"
# Seconds after which the server's clock is read again: the clocks drift, and can be set.
MAX_AGE = 10.0


class ServerClock:
    """A lower bound of what the server's clock shows now.

    The server reads its clock before its response arrives, so an estimate from that reading is
    behind by the latency of the response, and never ahead: a deadline computed from it has passed
    when the caller gives up. Only a clock that is set back within MAX_AGE breaks this.
    """

    def __init__(self) -> None:
        self._offset = 0.0  # from our monotonic clock
        self._set_at = float("-inf")

    @property
    def is_known(self) -> bool:
        return time.monotonic() - self._set_at < MAX_AGE

    def set(self, shown: float) -> None:
        """Set it to the time in a response that has just arrived, in seconds since 1970."""
        now = time.monotonic()
        self._offset, self._set_at = shown - now, now

    def forget(self) -> None:
        self._set_at = float("-inf")

    def after(self, seconds: float) -> float:
        """Return a time that it shows no later than so many seconds from now."""
        return time.monotonic() + self._offset + seconds


def in_time_sql(deadline: float) -> str:
    """Return a condition that is true before the deadline, and raises an error from then on."""
    message = f"'{TOO_LATE} ' || CAST({CLOCK} AS TEXT)"
    return (
        f"(CASE WHEN {CLOCK} < TO_TIMESTAMP({deadline}) THEN TRUE"
        f" ELSE CAST({message} AS BOOLEAN) END)"
    )


def is_too_late(error: Exception) -> bool:
    """Whether this is the error that `in_time_sql` raises."""
    return isinstance(error, psycopg.errors.InvalidTextRepresentation) and TOO_LATE in str(error)
