import socket
import sys

import pytest

from registry_project.server.connections import Connection

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="TCP_USER_TIMEOUT exists on Linux only"
)


@linux_only
def test_the_acknowledgement_timeout_is_set_in_milliseconds() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
        server.accept()[0] as accepted,
    ):
        Connection(accepted, None, None).expect_acknowledgements(1.5)

        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1_500


def test_a_unix_socket_accepts_the_acknowledgement_timeout_without_error() -> None:
    one, other = socket.socketpair()
    with one, other:
        Connection(one, None, None).expect_acknowledgements(1.5)
