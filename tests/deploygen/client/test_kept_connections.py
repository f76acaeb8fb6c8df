import asyncio
import time
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import SimpleNamespace

import pytest

from deploygen.client.registration.http import RegistryHttp
from tests.serving import serving

SUCCESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Server(ThreadingTCPServer):
    """Answers all requests with success, and counts the connections."""

    connections = 0


class Handler(StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Server)
        self.server.connections += 1
        for line in self.rfile:
            if line == b"\r\n":
                self.wfile.write(SUCCESS)


@pytest.mark.parametrize(("pause", "opened"), [(50, 1), (60, 2)])
def test_a_connection_is_kept_until_a_proxy_may_have_closed_it(
    monkeypatch: pytest.MonkeyPatch, pause: int, opened: int
) -> None:
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr("httpcore._async.http11.time", clock)

    async def send_two(port: int) -> None:
        registry = RegistryHttp(f"http://127.0.0.1:{port}")
        for _ in range(2):
            await registry.call("POST", "/agents/a/heartbeat", seconds=10, expected={})
            passed[0] += pause
        await registry.aclose()

    with serving(Server(("127.0.0.1", 0), Handler)) as server:
        asyncio.run(send_two(server.server_address[1]))

    assert server.connections == opened
