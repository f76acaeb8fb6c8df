"""Proxies and certificates with which the registry is reached."""

import os
import ssl
from typing import TypedDict

import httpx

from .certificates import trusted_certificates
from .errors import EnvironmentUnusable, RegistryUnavailable
from .proxy import Route, UnusableVariable, find_route

# Longer than the pause between heartbeats; proxies close idle connections after 60 s.
KEPT_SECONDS = 55.0


class ClientOptions(TypedDict):
    """Of httpx.Client and httpx.AsyncClient."""

    verify: ssl.SSLContext
    proxy: httpx.Proxy | None
    trust_env: bool


def open_route(url: httpx.URL) -> tuple[Route, ClientOptions]:
    """Raises EnvironmentUnusable."""
    try:
        route = find_route(url, os.environ)
        proxy = route.proxy
        # Loading certificates takes 20 ms.
        if url.scheme == "https" or (proxy and proxy.url.scheme == "https"):
            verify = trusted_certificates(os.environ)
        else:
            verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except UnusableVariable as error:
        raise EnvironmentUnusable(str(error), perhaps_done=False) from error
    if proxy and proxy.url.scheme == "https":
        proxy.ssl_context = verify
    return route, ClientOptions(verify=verify, proxy=proxy, trust_env=False)


def socks_unusable(route: Route, error: ImportError) -> EnvironmentUnusable:
    """SOCKS needs another package."""
    return EnvironmentUnusable(f"{route.variable} cannot be used: {error}", perhaps_done=False)


def connection_error(error: Exception, seconds: float, through: str) -> RegistryUnavailable:
    """`error`: of httpx, or TimeoutError. `through`: names the proxy."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return RegistryUnavailable(f"no response in {seconds:g} s{through}")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        message = f"no connection{through}: {error}"
        return RegistryUnavailable(message, perhaps_done=False)
    message = f"the connection broke{through}: {error or type(error).__name__}"
    return RegistryUnavailable(message)


def named(route: Route) -> str:
    return f" ({route})" if route.proxy else ""


def authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
