"""Agents with a kept connection each, and agents that open one for each heartbeat."""

import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from registry_project.server.worker import MOST_AT_ONCE, Listener
from tests.registry_project.server.registry_web import (
    RawClient,
    RegistryWeb,
    heartbeat,
    prepared,
    registry_web,
)

KEPT = 5_000
AT_ONCE = 100  # clients that wait for an answer
FILES = KEPT + 200


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"a process may open only {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[RegistryWeb]:
    with registry_web(tmp_path, prepared(tmp_path)) as web:
        web.register("agent")
        yield web


@pytest.mark.usefixtures("many_files")
def test_5000_agents_keep_a_connection_each(web: RegistryWeb) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(web.connect()) for _ in range(KEPT)]
        for _ in range(2):
            for at in range(0, KEPT, AT_ONCE):
                beat(clients[at : at + AT_ONCE])


def beat(clients: Sequence[RawClient]) -> None:
    for client in clients:
        client.send(heartbeat("agent"))
    answers = [client.receive() for client in clients]
    assert {answer.status for answer in answers} == {200}
    assert not any(answer.is_last for answer in answers)


def test_an_answer_arrives_whole_although_its_client_sends_more_than_it_promised(
    web: RegistryWeb,
) -> None:
    """A close with unread data would reset the connection, perhaps before the answer is read."""
    with web.connect() as client:
        client.send(heartbeat("agent", "Connection: close") + b"x" * 100_000)

        answer = client.receive()

        assert (answer.status, answer.is_last) == (200, True)
        assert client.is_closed()


def test_a_connection_whose_client_asks_for_it_is_closed(web: RegistryWeb) -> None:
    for _ in range(3):
        with web.connect() as client:
            client.send(heartbeat("agent", "Connection: close"))
            assert client.receive().is_last
            assert client.is_closed()


def test_connections_are_accepted_many_at_a_time_but_not_all() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
        accepted: list[socket.socket] = []

        def accept(listener: socket.socket, _: object) -> bool:
            try:
                accepted.append(stack.enter_context(listener.accept()[0]))
            except BlockingIOError:
                return False
            return True

        listener = Listener(server, accept)
        for _ in range(MOST_AT_ONCE + 5):
            client = stack.enter_context(socket.create_connection(server.getsockname()))
            client.sendall(b"x")

        listener.ready()
        first = len(accepted)
        listener.ready()

        assert (first, len(accepted)) == (MOST_AT_ONCE, MOST_AT_ONCE + 5)
