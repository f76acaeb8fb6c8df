import asyncio
import enum
import queue
import time

CANCELLING_SECONDS = 0.25
BLOCKED_SECONDS = 0.5


class Step(enum.Enum):
    REQUESTED = "requested"
    DRAINED = "drained"
    ENDED = "ended"
    ALIVE = "alive"  # the event loop's response


class Shutdown:
    """Followed in another thread, since a handler may block the event loop."""

    def __init__(self, drain_seconds: float) -> None:
        self.hurried = False
        self._drain_seconds = drain_seconds
        # Signal handlers may put at any moment.
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()

    def report(self, step: Step) -> None:
        """For any thread and signal handler."""
        self._steps.put(step)

    def wait_for_request(self) -> None:
        self._steps.get()

    def ends_in_time(self, loop: asyncio.AbstractEventLoop) -> bool:
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
                # The loop may only be slow.
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
