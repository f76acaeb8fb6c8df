import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from types import TracebackType
from typing import Self

import httpcore
import httpx

from agents.outbound.connections import GuardedBackend
from agents.outbound.endpoints import Endpoints
from agents.outbound.errors import NoAnswer, NotAllowed
from agents.outbound.networks import Networks
from agents.outbound.reasons import reason_of

SCHEMES = ("http", "https")
USER_AGENT = "agent-registry"
RESOLVERS = 8
MAX_PORT = 65_535


@dataclass(frozen=True)
class Limits:
    """`seconds`: for the whole call. `body_bytes`: of the answer; the rest is not read."""

    seconds: float = 10.0
    body_bytes: int = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """`headers`: by lower-case name. `body`: as received, even if compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool
    seconds: float


class OutboundClient:
    """An async context manager that keeps connections, for one event loop.

    `connections`: at once; more calls wait, within their time. `own`: what is not called, whatever
    the networks are.
    """

    def __init__(
        self,
        networks: Networks,
        limits: Limits | None = None,
        connections: int = 32,
        own: Endpoints | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_certificates(),
            max_connections=connections,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(networks, own or Endpoints(), self._resolvers),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)
        await self._pool.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> Answer:
        """Return the answer, whatever its status. Raise NotAllowed or NoAnswer."""
        began = time.monotonic()
        target = check_url(url)
        own = {"Host": target.netloc.decode("ascii"), "User-Agent": USER_AGENT}
        try:
            async with (
                asyncio.timeout(self._limits.seconds),
                self._pool.stream(
                    method,
                    httpcore.URL(
                        scheme=target.raw_scheme,
                        host=target.raw_host,
                        port=target.port,
                        target=target.raw_path,
                    ),
                    headers=list((own | dict(headers or {})).items()),
                    content=content,
                ) as response,
            ):
                body, is_cut = await self._read(response)
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {self._limits.seconds:g} s") from error
        except (httpcore.LocalProtocolError, UnicodeEncodeError) as error:
            raise NotAllowed(f"the request is not valid HTTP: {error}") from error
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
        ) as error:
            raise NoAnswer(reason_of(error)) from error
        found = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        return Answer(response.status, found, body, is_cut, time.monotonic() - began)

    async def _read(self, response: httpcore.Response) -> tuple[bytes, bool]:
        body = b""
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > self._limits.body_bytes:
                return body[: self._limits.body_bytes], True
        return body, False


def check_url(url: str) -> httpx.URL:
    """Raise NotAllowed unless it is an http or https URL with a host and without credentials."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise NotAllowed(f"the URL is not valid: {error}") from error
    if parsed.scheme not in SCHEMES or not parsed.host:
        raise NotAllowed(f"the URL must begin with {' or '.join(f'{one}://' for one in SCHEMES)}")
    if " " in url or not 0 < (parsed.port or 80) <= MAX_PORT:
        raise NotAllowed("the URL has a space, or no port from 1 to 65535")
    if parsed.userinfo:
        raise NotAllowed("the URL must not have a user name or password")
    return parsed


@cache
def _certificates() -> SSLContext:
    """From SSL_CERT_FILE, SSL_CERT_DIR or certifi."""
    return httpx.create_ssl_context()
