"""Asks a worker to deliver. The call carries no data, so losing one costs only a moment."""

import logging
import time
from collections.abc import Callable

from celery import current_app
from kombu.exceptions import OperationalError

from agents.log_limits import LogLimit
from agents.notifications.delivery.queue import due_channels

logger = logging.getLogger("agents.notifications")

TASK = "agents.send_notifications"
EXPIRES_SECONDS = 60
LONGEST_PAUSE_SECONDS = 60.0

_limit = LogLimit(60.0)


def wake_worker() -> None:
    try:
        current_app.send_task(TASK, expires=EXPIRES_SECONDS, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        more = _limit.pass_line()
        if more is not None:
            logger.error("no worker can be asked to deliver: %s%s", error, more)  # noqa: TRY400


class Waker:
    """While no worker comes, asks after longer and longer pauses, so no calls pile up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0
        self._next = 0.0

    def wake_if_due(self) -> bool:
        """Return whether a worker was asked."""
        if not due_channels():
            self._pause = self._next = 0.0
            return False
        now = self._clock()
        if now < self._next:
            return False
        self._pause = min(max(2 * self._pause, 1.0), LONGEST_PAUSE_SECONDS)
        self._next = now + self._pause
        wake_worker()
        return True
