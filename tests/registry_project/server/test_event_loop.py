import socket
from collections.abc import Iterator

import pytest

from registry_project.server.event_loop import READ, EventLoop


class Reader:
    """Stops polling the other reader when it is ready."""

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


def test_every_ready_socket_is_called(pair: tuple[EventLoop, Reader, Reader]) -> None:
    loop, one, other = pair

    loop.turn(1)

    assert (one.calls, other.calls) == (1, 1)


def test_a_socket_that_is_no_longer_polled_is_not_called(
    pair: tuple[EventLoop, Reader, Reader],
) -> None:
    """Otherwise a client that shuts down its side would lose a request that a thread serves."""
    loop, one, other = pair
    one.other, other.other = other, one

    loop.turn(1)

    assert one.calls + other.calls == 1
