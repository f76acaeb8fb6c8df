import socket
from collections.abc import Iterator

import pytest

from registry_project.server.event_loop import READ, EventLoop


class Reader:
    """Stops the polling of the other when it is ready."""

    def __init__(self, loop: EventLoop) -> None:
        self.socket, self.peer = socket.socketpair()
        self.polled_for = 0
        self.other: Reader | None = None
        self.calls = 0
        self._loop = loop

    def ready(self) -> None:
        self.calls += 1
        if self.other is not None:
            self._loop.poll(self.other, 0)


@pytest.fixture
def pair() -> Iterator[tuple[EventLoop, Reader, Reader]]:
    loop = EventLoop()
    readers = Reader(loop), Reader(loop)
    for reader in readers:
        loop.poll(reader, READ)
        reader.peer.send(b"x")
    yield loop, *readers
    for reader in readers:
        reader.socket.close()
        reader.peer.close()


def test_all_that_is_ready_is_called(pair: tuple[EventLoop, Reader, Reader]) -> None:
    loop, one, other = pair

    loop.turn(1)

    assert (one.calls, other.calls) == (1, 1)


def test_what_is_not_polled_any_more_is_not_called(pair: tuple[EventLoop, Reader, Reader]) -> None:
    """A connection that a thread serves would be dropped for the end of its client's input."""
    loop, one, other = pair
    one.other, other.other = other, one

    loop.turn(1)

    assert one.calls + other.calls == 1
