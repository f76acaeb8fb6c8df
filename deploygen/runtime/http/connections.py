import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..config import ConfigError

REQUEST_SECONDS = 10.0
# Without the client taking any of a response.
STALLED_SECONDS = 60.0
BACKLOG = 2048


class Connection(H11Protocol):
    """Closes stalled connections; uvicorn would wait forever."""

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _set_deadline(self) -> None:
        is_responding = self.cycle is not None and not self.cycle.response_complete
        if is_responding and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        elif not is_responding and self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    def connected(self) -> list[socket.socket]:
        transports = [each.transport for each in self.server_state.connections]
        return [each.get_extra_info("socket") for each in transports if not each.is_closing()]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would stop listening, and raise signals again."""
        yield


def listen(port: int, address: str = "") -> socket.socket:
    """Without an address, on IPv6 and IPv4 if possible. Raises ConfigError."""
    try:
        if address:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return socket.create_server((address, port), family=family, backlog=BACKLOG)
        if _has_ipv6():
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        return socket.create_server(("0.0.0.0", port), backlog=BACKLOG)  # noqa: S104 - a container's
    except OSError as error:
        at = f" of {address} (AGENT_LISTEN)" if address else ""
        problem = f"port {port} (AGENT_PORT){at} cannot be used: {error.strerror}"
        raise ConfigError(problem) from error


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return socket.has_dualstack_ipv6()
