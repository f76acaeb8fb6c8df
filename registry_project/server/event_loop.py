"""The event loop of a web process."""

import os
import selectors
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Pollable(Protocol):
    """`polled_for` is READ, WRITE, both, or 0 for nothing."""

    socket: socket.socket
    polled_for: int

    def ready(self) -> None:
        """Handle the event."""


class EventLoop:
    """Everything but `call_soon` belongs to the thread that runs it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: deque[Callable[[], object]] = deque()
        # A byte in it wakes the loop.
        self._wake_reader, self._wake_writer = os.pipe()
        self._is_woken = False
        os.set_blocking(self._wake_reader, False)
        self._selector.register(self._wake_reader, READ)

    def call_soon(self, call: Callable[[], object]) -> None:
        """Have the loop make a call. Safe in other threads and in signal handlers."""
        self._calls.append(call)
        if not self._is_woken:
            self._is_woken = True
            os.write(self._wake_writer, b"\0")

    def poll(self, what: Pollable, event: int) -> None:
        """Call `what.ready` on this event, and on no other."""
        if what.polled_for == event:
            return
        if not event:
            self._selector.unregister(what.socket)
        elif what.polled_for:
            self._selector.modify(what.socket, event, what)
        else:
            self._selector.register(what.socket, event, what)
        what.polled_for = event

    def turn(self, seconds: float) -> None:
        """Wait for at most so many seconds, and handle what happens."""
        for key, event in self._selector.select(seconds):
            if key.data is None:
                self._run_calls()
            elif key.data.polled_for & event:  # a call before it may have ended that
                key.data.ready()

    def _run_calls(self) -> None:
        os.read(self._wake_reader, 64)
        # Before counting the calls: a later one has to wake the loop again.
        self._is_woken = False
        for _ in range(len(self._calls)):
            self._calls.popleft()()
