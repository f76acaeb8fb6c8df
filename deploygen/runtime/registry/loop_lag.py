"""How long a handler has blocked the server's event loop."""

import asyncio
import time

PING_SECONDS = 0.25


class LoopLag:
    """Measures an event loop from another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pinged: float | None = None  # when; None once the loop has responded

    def seconds(self) -> float:
        pinged = self._pinged
        return 0.0 if pinged is None else time.monotonic() - pinged

    async def measure(self) -> None:
        """Ping until cancelled, or until the loop is closed."""
        while not self._loop.is_closed():
            if self._pinged is None:
                self._pinged = time.monotonic()
                try:
                    self._loop.call_soon_threadsafe(self._respond)
                except RuntimeError:  # closed in this moment
                    break
            await asyncio.sleep(PING_SECONDS)
        self._pinged = None

    def _respond(self) -> None:
        self._pinged = None
