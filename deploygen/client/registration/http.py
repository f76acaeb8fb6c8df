import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from .certificates import trusted_certificates
from .errors import EnvironmentUnusable, RegistryRefused, RegistryUnavailable
from .pacing import retry_after
from .proxy import Route, UnusableVariable, find_route
from .url import check_url

LEASE_TOKEN_HEADER = "Lease-Token"  # noqa: S105 - the header's name
LONGEST_RESPONSE_BYTES = 1024 * 1024
LONGEST_REASON = 300
# Longer than the pause between heartbeats; proxies close idle connections after 60 s.
LIMITS = httpx.Limits(max_keepalive_connections=1, keepalive_expiry=55.0)
PROBLEM_TYPE = "application/problem+json"  # RFC 9457
BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
NOT_DONE = BUSY | {HTTPStatus.SERVICE_UNAVAILABLE}


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
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        if lease_token is not None:
            headers[LEASE_TOKEN_HEADER] = lease_token
        if access_token is not None:
            headers["Authorization"] = f"Bearer {access_token}"
        if self._http is None:
            self._http = self._open()
        through = f" ({self._route})" if self._route.proxy else ""
        try:
            async with asyncio.timeout(seconds):
                request = self._http.stream(
                    method, self.url + path, content=content, headers=headers
                )
                async with request as response:
                    text = await _read(response)
        except TimeoutError as error:
            raise RegistryUnavailable(f"no response in {seconds:g} s{through}") from error
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            message = f"no connection{through}: {error}"
            raise RegistryUnavailable(message, perhaps_done=False) from error
        except httpx.HTTPError as error:
            message = f"the connection broke{through}: {error or type(error).__name__}"
            raise RegistryUnavailable(message) from error
        return _judge(response, text, expected, through)

    def _open(self) -> httpx.AsyncClient:
        url = httpx.URL(self.url)
        try:
            self._route = find_route(url, os.environ)
            proxy = self._route.proxy
            # Loading certificates takes 20 ms.
            if url.scheme == "https" or (proxy and proxy.url.scheme == "https"):
                verify = trusted_certificates(os.environ)
            else:
                verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if proxy and proxy.url.scheme == "https":
                proxy.ssl_context = verify
            return httpx.AsyncClient(
                verify=verify,
                proxy=proxy,
                trust_env=False,
                timeout=None,  # noqa: S113 - each call has its own limit
                limits=LIMITS,
            )
        except UnusableVariable as error:
            raise EnvironmentUnusable(str(error), perhaps_done=False) from error
        except ImportError as error:  # SOCKS needs another package
            message = f"{self._route.variable} cannot be used: {error}"
            raise EnvironmentUnusable(message, perhaps_done=False) from error

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
    status = response.status_code
    content = _json_object(text)
    if response.is_success:
        if content is not None and expected.items() <= content.items():
            return content
        raise RegistryUnavailable(f"{status}: this is not a response of a registry{through}")
    message = f"{status}{_reason(response, content)}"
    is_registry = _is_problem(response, content)
    if not is_registry:
        message += f": this is not a response of a registry{through}"
    if status in BUSY or response.is_server_error:
        raise RegistryUnavailable(
            message, retry_after=retry_after(response.headers), perhaps_done=status not in NOT_DONE
        )
    if not is_registry:
        raise RegistryUnavailable(message, perhaps_done=False)
    raise RegistryRefused(message, status)


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _is_problem(response: httpx.Response, content: dict[str, Any] | None) -> bool:
    """Whether the registry sent it, not a proxy."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        media_type == PROBLEM_TYPE
        and content is not None
        and content.get("status") == response.status_code
    )


def _reason(response: httpx.Response, content: dict[str, Any] | None) -> str:
    if response.is_redirect:
        return f", moved to {response.headers.get('location', '')}"[:LONGEST_REASON]
    detail = content.get("detail") if content is not None else None
    reason = detail if isinstance(detail, str) else response.reason_phrase
    return f", {' '.join(reason.split())}"[:LONGEST_REASON] if reason else ""
