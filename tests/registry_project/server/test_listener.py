import socket
import sys
from typing import Any

import pytest

from registry_project.server.limits import ANSWER_SECONDS
from registry_project.server.worker import Listener


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_the_kernel_gives_up_clients_that_vanish_as_soon_as_the_server_does() -> None:
    accepted = []

    def accept(listener: socket.socket, _address: Any) -> None:
        accepted.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as sock:
        listener = Listener(sock, accept)
        with socket.create_connection(sock.getsockname()):
            sock.setblocking(True)
            listener.ready()

    [connection] = accepted
    timeout = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    connection.close()
    assert timeout == ANSWER_SECONDS * 1000
