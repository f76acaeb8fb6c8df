import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from .connections import (
    KEPT_SECONDS,
    authorization,
    connection_error,
    named,
    open_route,
    socks_unusable,
)
from .errors import RegistryUnavailable
from .proxy import Route
from .responses import error_of, foreign, json_of
from .url import check_url

LEASE_TOKEN_HEADER = "Lease-Token"  # noqa: S105 - the header's name
LONGEST_RESPONSE_BYTES = 1024 * 1024
LIMITS = httpx.Limits(max_keepalive_connections=1, keepalive_expiry=KEPT_SECONDS)


class RegistryHttp:
    def __init__(self, url: str) -> None:
        """Raises ValueError as check_url does."""
        check_url(url)
        self.url = url.rstrip("/")
        self._http: httpx.AsyncClient | None = None
        self._route = Route()

    async def call(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        expected: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        lease_token: str | None = None,
        access_token: str | None = None,
    ) -> dict[str, Any]:
        """Return the response's JSON object. Raises RegistryRefused, RegistryUnavailable."""
        headers = {"Accept": "application/json", **authorization(access_token)}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        if lease_token is not None:
            headers[LEASE_TOKEN_HEADER] = lease_token
        http = self._opened()
        through = named(self._route)
        try:
            async with asyncio.timeout(seconds):
                request = http.stream(method, self.url + path, content=content, headers=headers)
                async with request as response:
                    text = await _read(response)
        except (TimeoutError, httpx.HTTPError) as error:
            raise connection_error(error, seconds, through) from error
        return _judge(response, text, expected, through)

    def next_hop(self) -> httpx.URL:
        """Return the proxy's URL, without one the registry's. Raises EnvironmentUnusable."""
        self._opened()
        return self._route.proxy.url if self._route.proxy else httpx.URL(self.url)

    def _opened(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = self._open()
        return self._http

    def _open(self) -> httpx.AsyncClient:
        self._route, options = open_route(httpx.URL(self.url))
        try:
            # Each call has its own limit of time.
            return httpx.AsyncClient(timeout=None, limits=LIMITS, **options)  # noqa: S113
        except ImportError as error:
            raise socks_unusable(self._route, error) from error

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None


async def _read(response: httpx.Response) -> bytes:
    text = b""
    async for chunk in response.aiter_bytes():
        text += chunk
        if len(text) > LONGEST_RESPONSE_BYTES:
            raise RegistryUnavailable("an endless response")
    return text


def _judge(
    response: httpx.Response, text: bytes, expected: Mapping[str, Any], through: str
) -> dict[str, Any]:
    if not response.is_success:
        raise error_of(response, text, through)
    content = json_of(text)
    if isinstance(content, dict) and expected.items() <= content.items():
        return content
    raise foreign(response, through)
