"""The socket that an agent listens on, and the server of the connections to it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..config import ConfigError

# Seconds that a connection has to send the head of a request, and what is left of a body that
# nobody reads any more. One that was answered and is idle has uvicorn's five.
REQUEST_SECONDS = 10.0


class Connection(H11Protocol):
    """uvicorn's, which waits for a request for ever once a byte of it has come, or none ever."""

    _given_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._bound_waiting()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._bound_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._given_up is not None:
            self._given_up.cancel()

    def _bound_waiting(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None
        elif not is_answering and self._given_up is None:
            self._given_up = self.loop.call_later(REQUEST_SECONDS, self.transport.close)


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The lifecycle handles the signals; uvicorn would close the door at once, and end the
        process by raising the signal again."""
        yield


def listen(port: int) -> socket.socket:
    """Raises ConfigError."""
    try:
        return socket.create_server(("0.0.0.0", port), backlog=2048)  # noqa: S104 - a container's
    except OSError as error:
        raise ConfigError(f"port {port} (AGENT_PORT) cannot be used: {error.strerror}") from error
