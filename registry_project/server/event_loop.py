import os
import selectors
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Pollable(Protocol):
    """`polled_for`: READ, WRITE, both or 0. `may_be_held` is constant while polled."""

    socket: socket.socket
    polled_for: int
    may_be_held: bool

    def ready(self) -> None: ...


class EventLoop:
    """Other threads may only use `call_soon`."""

    def __init__(self) -> None:
        self._prompt = selectors.DefaultSelector()
        self._all = selectors.DefaultSelector()
        self._all.register(self._prompt.fileno(), READ)
        self._calls: deque[Callable[[], object]] = deque()
        self._wake_reader, self._wake_writer = os.pipe()
        self._is_woken = False
        os.set_blocking(self._wake_reader, False)
        self._prompt.register(self._wake_reader, READ)

    def call_soon(self, call: Callable[[], object]) -> None:
        """Safe in signal handlers."""
        self._calls.append(call)
        if not self._is_woken:
            self._is_woken = True
            os.write(self._wake_writer, b"\0")

    def poll(self, what: Pollable, event: int) -> None:
        if what.polled_for == event:
            return
        selector = self._all if what.may_be_held else self._prompt
        if not event:
            selector.unregister(what.socket)
        elif what.polled_for:
            selector.modify(what.socket, event, what)
        else:
            selector.register(what.socket, event, what)
        what.polled_for = event

    def turn(self, seconds: float, *, holds: bool = False) -> None:
        """Handle what happens in this time; if it `holds`, leave out what may be held."""
        if holds:
            self._handle(self._prompt.select(seconds))
            return
        events = self._all.select(seconds)
        self._handle(events)
        if any(key.data is None for key, _ in events):
            self._handle(self._prompt.select(0))

    def _handle(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, event in events:
            if key.data is None:
                if key.fd == self._wake_reader:
                    self._run_calls()
            elif key.data.polled_for & event:
                key.data.ready()

    def _run_calls(self) -> None:
        os.read(self._wake_reader, 64)
        # Before the calls, so that one added meanwhile wakes the loop.
        self._is_woken = False
        for _ in range(len(self._calls)):
            self._calls.popleft()()
