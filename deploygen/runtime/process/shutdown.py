"""Stopping in bounded time, even if a handler blocks the event loop."""

import asyncio
import enum
import queue
import time

# For cancelled handlers to clean up.
CANCELLING_SECONDS = 0.25
# A loop that does not respond in time is blocked.
BLOCKED_SECONDS = 0.5


class Step(enum.Enum):
    REQUESTED = "requested"
    DRAINED = "drained"
    ENDED = "ended"
    ALIVE = "alive"  # the event loop's response


class Shutdown:
    """The steps of stopping, followed outside the event loop's thread."""

    def __init__(self, drain_seconds: float) -> None:
        self.hurried = False  # requested twice: do not wait for running requests
        self._drain_seconds = drain_seconds
        # A signal handler may put into a SimpleQueue at any moment.
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()

    def report(self, step: Step) -> None:
        """For any thread and signal handlers."""
        self._steps.put(step)

    def wait_for_request(self) -> None:
        self._steps.get()

    def ends_in_time(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return False if a handler blocks the loop."""
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
