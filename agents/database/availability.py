"""Which errors mean that the database is unavailable, and a log line that they cannot flood."""

import logging

from django.db import InterfaceError, InternalError, OperationalError

from agents.log_limits import LogLimit

logger = logging.getLogger("agents.database.availability")

# It does not answer, is locked for too long, or cannot write: all of it may pass.
UNAVAILABLE = (OperationalError, InterfaceError, InternalError)
SECONDS_BETWEEN_LINES = 10.0

_limit = LogLimit(SECONDS_BETWEEN_LINES)


def log_unavailable(error: Exception) -> None:
    """Log that the database is unavailable, at most once in SECONDS_BETWEEN_LINES per process."""
    more = _limit.pass_line()
    if more is not None:
        reason = " ".join(str(error).split()) or type(error).__name__
        logger.error("the database does not answer: %s%s", reason, more)
