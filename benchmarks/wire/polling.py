"""An event loop on epoll: file handlers and timers."""

import heapq
import itertools
import select
import time
from collections.abc import Callable

MAX_WAIT = 0.5
Handler = Callable[[int], None]


class Poller:
    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._handlers[fd]

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Call `action` at or soon after `when`, by time.monotonic()."""
        heapq.heappush(self._due, (when, next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self.at(time.monotonic() + seconds, action)

    def turn(self) -> None:
        """Run due timers, then wait up to MAX_WAIT for files or the next timer."""
        due = self._due
        now = time.monotonic()
        while due and due[0][0] <= now:
            heapq.heappop(due)[2]()
        wait = MAX_WAIT
        if due:
            wait = min(MAX_WAIT, max(0.0, due[0][0] - time.monotonic()))
        self._handle(self._epoll.poll(wait))

    def turn_until(self, when: float) -> None:
        """Wait for files until `when`, by time.monotonic(). Ignores timers.

        It is precise to some 0.1 ms, where `turn` is precise to 1 ms, like epoll.
        """
        wait = when - time.monotonic()
        if wait > 0:
            select.select((self._epoll,), (), (), wait)
        self._handle(self._epoll.poll(0))

    def close(self) -> None:
        self._epoll.close()

    def _handle(self, ready: list[tuple[int, int]]) -> None:
        handlers = self._handlers
        for fd, events in ready:
            handler = handlers.get(fd)
            if handler is not None:  # a previous handler may have closed it
                handler(events)
