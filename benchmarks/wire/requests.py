"""Builds HTTP requests as bytes."""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.wire.connection import Address

NO_HEADERS: Mapping[str, str] = {}
JSON = {"Content-Type": "application/json"}


def request(
    method: str,
    address: Address,
    path: str,
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes = b"",
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address[0]}:{address[1]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_request(
    method: str, address: Address, path: str, content: Any, headers: Mapping[str, str] = NO_HEADERS
) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return request(method, address, path, {**JSON, **headers}, body)
