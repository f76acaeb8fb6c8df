"""The bytes of requests."""

import json
from typing import Any

from benchmarks.wire.connection import Address


def request(method: str, address: Address, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request; a header's name has _ for -."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address[0]}:{address[1]}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_request(method: str, address: Address, path: str, said: Any, **headers: str) -> bytes:
    """Return a request whose body is `said`, as JSON."""
    body = json.dumps(said, separators=(",", ":")).encode()
    return request(method, address, path, body, Content_Type="application/json", **headers)
