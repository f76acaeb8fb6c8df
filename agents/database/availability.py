import logging

from django.db import InterfaceError, InternalError, OperationalError

from agents.log_limits import LogLimit

logger = logging.getLogger("agents.database.availability")

# May pass: no answer, locked for too long, read-only.
UNAVAILABLE = (OperationalError, InterfaceError, InternalError)
SECONDS_BETWEEN_LINES = 10.0

_limit = LogLimit(SECONDS_BETWEEN_LINES)


def log_unavailable(error: Exception) -> None:
    more = _limit.pass_line()
    if more is not None:
        reason = " ".join(str(error).split()) or type(error).__name__
        logger.error("the database does not answer: %s%s", reason, more)
