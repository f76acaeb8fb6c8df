import asyncio
import logging
import time

logger = logging.getLogger("agent.registry")

PING_SECONDS = 0.25
STOOD_STILL_SECONDS = 1.0


class LoopLag:
    """How long a handler has blocked the event loop, measured from another loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pinged: float | None = None

    def seconds(self) -> float:
        pinged = self._pinged
        return 0.0 if pinged is None else time.monotonic() - pinged

    async def measure(self) -> None:
        while not self._loop.is_closed():
            if self._pinged is None:
                self._pinged = time.monotonic()
                try:
                    self._loop.call_soon_threadsafe(self._respond)
                except RuntimeError:  # just closed
                    break
            slept = time.monotonic()
            await asyncio.sleep(PING_SECONDS)
            late = time.monotonic() - slept - PING_SECONDS
            if late > STOOD_STILL_SECONDS:
                logger.warning(
                    "the agent stood still for %.1f s: the handler held the interpreter's lock, "
                    "such as in a regular expression, or the machine was busy",
                    late,
                )
        self._pinged = None

    def _respond(self) -> None:
        self._pinged = None
