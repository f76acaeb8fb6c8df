"""A small WSGI application for tests of the web server."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LARGE_BYTES = 8 * 1024 * 1024
BLOCK = b"x" * 65_536
# More lines than the kernel can buffer.
LINES = 1_000_000

_gate = threading.Event()


class Endless:
    """An endless response; counts the blocks made and the responses closed of all instances."""

    made = 0
    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            Endless.made += 1
            yield BLOCK

    def close(self) -> None:
        Endless.closed += 1


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path in STREAMS:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return STREAMS[path]()
    if path == "/short":
        start_response("200 OK", [("Content-Length", "10")])
        return [b"short"]
    body = _body(path, environ)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _body(path: str, environ: dict[str, Any]) -> bytes:
    if path == "/wait":  # until a request to /open or /health/live
        _gate.wait(30)
        return b"waited"
    if path in {"/open", "/health/live"}:
        _gate.set()
        return b"open"
    if path == "/large":
        return b"x" * LARGE_BYTES
    if path == "/counts":
        return json.dumps({"made": Endless.made, "closed": Endless.closed}).encode()
    length = environ.get("CONTENT_LENGTH") or "none"
    given = environ["wsgi.input"].read(int(length)) if length.isdecimal() else b""
    scheme, address = environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]
    return f"{scheme} {address} {path} {length} {len(given)}".encode()


def _steps() -> Iterator[bytes]:
    _gate.clear()
    yield b"first"
    _gate.wait(30)
    yield b"second"


def lines() -> Iterator[bytes]:
    """Yield all numbers, one a line, in pieces of ten thousand."""
    for begin in range(0, LINES, 10_000):
        yield b"".join(b"%d\n" % number for number in range(begin, begin + 10_000))


def _broken() -> Iterator[bytes]:
    yield b"first"
    raise RuntimeError("planted")


def _broken_at_once() -> Iterator[bytes]:
    if LINES:
        raise RuntimeError("planted")
    yield b""


STREAMS: dict[str, Callable[[], Iterable[bytes]]] = {
    "/steps": _steps,
    "/endless": Endless,
    "/lines": lines,
    "/broken": _broken,
    "/broken-at-once": _broken_at_once,
    "/nothing": list,
    "/empty-pieces": lambda: iter([b"", b"a", b"", b"b", b""]),
}
