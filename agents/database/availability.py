"""Errors that mean that the database is unavailable."""

import logging

from django.db import InterfaceError, InternalError, OperationalError

from agents.log_limits import LogLimit

logger = logging.getLogger("agents.database.availability")

# It does not answer, is locked for too long, or cannot write: it may recover.
UNAVAILABLE = (OperationalError, InterfaceError, InternalError)
SECONDS_BETWEEN_LINES = 10.0

_limit = LogLimit(SECONDS_BETWEEN_LINES)


def log_unavailable(error: Exception) -> None:
    """Write at most one line in SECONDS_BETWEEN_LINES per process."""
    more = _limit.pass_line()
    if more is not None:
        reason = " ".join(str(error).split()) or type(error).__name__
        logger.error("the database does not answer: %s%s", reason, more)
