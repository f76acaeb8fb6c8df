"""When the database is away: which errors say so, and one line in the log for a flood of them."""

import logging
import threading
import time

from django.db import InterfaceError, InternalError, OperationalError

logger = logging.getLogger("agents.database.availability")

# The database is away, locked for too long, or cannot write: it may be better in a moment.
UNAVAILABLE = (OperationalError, InterfaceError, InternalError)
# A fleet meets the same fault thousands of times; so often it is told.
SECONDS_BETWEEN_LINES = 10.0


class _Teller:
    """Logs the first of many errors, and then, from time to time, how many there were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._kept_back = 0

    def tell(self, error: Exception) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                self._kept_back += 1
                return
            kept_back, self._kept_back = self._kept_back, 0
            self._next = now + SECONDS_BETWEEN_LINES
        reason = " ".join(str(error).split()) or type(error).__name__
        more = f" (and {kept_back} times before this)" if kept_back else ""
        logger.error("the database does not answer: %s%s", reason, more)


_teller = _Teller()


def tell_unavailable(error: Exception) -> None:
    """Log that the database does not answer, at most once in SECONDS_BETWEEN_LINES a process."""
    _teller.tell(error)
