"""A small WSGI application, for tests of the web server that it runs in."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

LARGE_BYTES = 8 * 1024 * 1024
_gate = threading.Event()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/wait":  # until somebody opens the gate
        _gate.wait(30)
        body = b"waited"
    elif path in {"/open", "/health/live"}:
        _gate.set()
        body = b"open"
    elif path == "/large":
        body = b"x" * LARGE_BYTES
    else:
        length = environ.get("CONTENT_LENGTH") or "none"
        given = environ["wsgi.input"].read(int(length)) if length.isdecimal() else b""
        scheme, address = environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]
        body = f"{scheme} {address} {path} {length} {len(given)}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
