import socket
from collections.abc import Iterator

import pytest

from registry_project.server.event_loop import READ, EventLoop


class Reader:
    """Stops polling the other reader when it is ready."""

    def __init__(self, loop: EventLoop) -> None:
        self.socket, self.peer = socket.socketpair()
        self.polled_for = 0
        self.may_be_held = False
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


def test_a_turn_that_holds_leaves_what_may_be_held_for_the_next_turn(
    pair: tuple[EventLoop, Reader, Reader],
) -> None:
    loop, one, other = pair
    loop.poll(other, 0)
    other.may_be_held = True
    loop.poll(other, READ)

    loop.turn(1, holds=True)
    assert (one.calls, other.calls) == (1, 0)

    loop.turn(1)
    assert other.calls == 1


def test_a_call_from_another_thread_ends_a_turn_that_holds(
    pair: tuple[EventLoop, Reader, Reader],
) -> None:
    loop, one, other = pair
    for reader in (one, other):
        loop.poll(reader, 0)
    called: list[bool] = []
    loop.call_soon(lambda: called.append(True))

    loop.turn(60, holds=True)

    assert called == [True]
