import logging
import uuid

logger = logging.getLogger("agent.handler")


class HandlerUnavailable(Exception):
    """Everybody may see the message."""


class HandlerFailed(Exception):
    """The client may see the message."""


def error_number() -> str:
    return uuid.uuid4().hex[:12]


def logged_failure(name: str, what: str, error: BaseException) -> HandlerFailed:
    number = error_number()
    logger.error("%s failed in run %s", name, number, exc_info=error)
    return HandlerFailed(f"{what}; the agent's log has the traceback, under run {number}")
