import asyncio
import time
from collections.abc import Callable

POLL_SECONDS = 0.25
# Between extra heartbeats, since a status may flap.
SHORTEST_PAUSE_SECONDS = 5.0


class StatusChanges:
    """Reports a change of status at once. For one event loop."""

    def __init__(
        self,
        status: Callable[[], str],
        send: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send` makes a heartbeat soon, which calls `reported`."""
        self._status = status
        self._send = send
        self._clock = clock
        self._reported: str | None = None
        self._sent: float | None = None

    def reported(self, status: str) -> None:
        self._reported = status

    def look(self) -> None:
        if self._reported is None or self._status() == self._reported:
            return
        now = self._clock()
        if self._sent is None or now - self._sent >= SHORTEST_PAUSE_SECONDS:
            self._sent = now
            self._send()

    async def watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(POLL_SECONDS)
