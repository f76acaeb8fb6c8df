"""HTTP to servers on this machine, without TLS.

A new client of httpx reads the machine's certificates, which takes 20 ms of CPU. That is far more
than the call, and tests that wait for something call many times a second.
"""

import ssl
from typing import Any

import httpx

TIMEOUT_SECONDS = 30.0
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """Send a request like `httpx.request`, over a new connection."""
    options.setdefault("timeout", TIMEOUT_SECONDS)
    return httpx.request(method, url, verify=NO_CERTIFICATES, **options)


def get(url: str, **options: Any) -> httpx.Response:
    return request("GET", url, **options)


def post(url: str, **options: Any) -> httpx.Response:
    return request("POST", url, **options)


def client(base_url: str, **options: Any) -> httpx.Client:
    """Return a client with persistent connections."""
    options.setdefault("timeout", TIMEOUT_SECONDS)
    return httpx.Client(base_url=base_url, verify=NO_CERTIFICATES, **options)
