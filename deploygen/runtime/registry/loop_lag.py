"""How long the server's event loop has not got round to anything: a handler may block it."""

import asyncio
import time

PING_SECONDS = 0.25


class LoopLag:
    """Measures one loop from another, which must be the one that runs `watch`."""

    def __init__(self, watched: asyncio.AbstractEventLoop) -> None:
        self._watched = watched
        self._asked: float | None = None  # when the ping that is not answered was sent

    def seconds(self) -> float:
        """Return for how long the watched loop has not answered by now."""
        asked = self._asked
        return 0.0 if asked is None else time.monotonic() - asked

    async def watch(self) -> None:
        """Ping until cancelled, or until the watched loop has been closed."""
        while not self._watched.is_closed():
            if self._asked is None:
                self._asked = time.monotonic()
                try:
                    self._watched.call_soon_threadsafe(self._answer)
                except RuntimeError:  # closed in this moment
                    break
            await asyncio.sleep(PING_SECONDS)
        self._asked = None

    def _answer(self) -> None:
        self._asked = None
