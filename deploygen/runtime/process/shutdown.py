"""Stopping in bounded time, although a handler may block the event loop."""

import asyncio
import enum
import queue
import time

# Seconds that handlers have to clean up once they are cancelled.
CANCELLING_SECONDS = 0.25
# Seconds in which an event loop responds that no handler blocks.
BLOCKED_SECONDS = 0.5


class Step(enum.Enum):
    REQUESTED = "requested"
    DRAINED = "drained"
    ENDED = "ended"
    ALIVE = "alive"  # the event loop, when it was asked


class Shutdown:
    """The steps of stopping, as another thread than the event loop's follows them."""

    def __init__(self, drain_seconds: float) -> None:
        # Requested twice: running requests are not waited for.
        self.hurried = False
        self._drain_seconds = drain_seconds
        # A SimpleQueue, since a signal handler may put into it at any moment.
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()

    def report(self, step: Step) -> None:
        """Any thread, and a signal handler, may call this."""
        self._steps.put(step)

    def wait_for_request(self) -> None:
        self._steps.get()

    def ends_in_time(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for the end of the loop's work; return False when a handler blocks the loop."""
        seconds = self._drain_seconds + CANCELLING_SECONDS
        drained = self._reaches(Step.DRAINED, loop, seconds)
        return drained and self._reaches(Step.ENDED, loop, CANCELLING_SECONDS)

    def _reaches(self, goal: Step, loop: asyncio.AbstractEventLoop, seconds: float) -> bool:
        asked = False
        deadline = time.monotonic() + seconds
        while True:
            try:
                step = self._steps.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if asked:
                    return False
                # On a busy machine the loop may only be slow.
                asked = True
                loop.call_soon_threadsafe(self._steps.put, Step.ALIVE)
                deadline = time.monotonic() + BLOCKED_SECONDS
                continue
            if step is goal:
                return True
            if step is Step.ALIVE or not self.hurried:
                asked = False
                deadline = time.monotonic() + CANCELLING_SECONDS
            self.hurried = self.hurried or step is Step.REQUESTED
