"""Opens connections to allowed addresses; httpcore does the rest."""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import Executor
from ipaddress import ip_address

from httpcore import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from agents.outbound.endpoints import Endpoints
from agents.outbound.errors import NoAnswer, NotAllowed
from agents.outbound.networks import Networks


class GuardedBackend(AsyncNetworkBackend):
    """`resolvers`: threads for name lookups, which block."""

    def __init__(self, networks: Networks, own: Endpoints, resolvers: Executor) -> None:
        self._networks = networks
        self._own = own
        self._resolvers = resolvers
        self._sockets = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """TLS and the Host header use the name, the socket uses the checked address."""
        found = await self._resolve(host, port)
        allowed = [address for address in found if self._networks.allows(address)]
        if not allowed:
            raise NotAllowed(
                f"{_described(host, found)} is not in the allowed networks ({self._networks})"
            )
        if any(self._own.has(address, port) for address in allowed):
            raise NotAllowed(f"{_described(host, found)} port {port} is the registry's own")
        for address in allowed[:-1]:
            try:
                return await self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (ConnectError, ConnectTimeout):
                continue
        return await self._sockets.connect_tcp(
            allowed[-1], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await self._sockets.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._resolvers, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise NoAnswer(f"the name {host} cannot be resolved") from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _described(host: str, found: list[str]) -> str:
    return host if found == [host] else f"{host} ({', '.join(found)})"
