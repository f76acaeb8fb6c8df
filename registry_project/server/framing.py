"""Where a request ends in what has come in on a connection, without understanding it."""

import re
from typing import NamedTuple

MAX_HEAD_BYTES = 64 * 1024
# The largest body of the API, with one exception, and the largest form of the admin.
MAX_BODY_BYTES = 64 * 1024
MAX_FORM_BYTES = 256 * 1024
# A thousand leases, with ids of the greatest length.
MAX_BULK_BODY_BYTES = 512 * 1024
# Where more than MAX_BODY_BYTES may come, by how a request begins.
LARGER = {
    b"POST /admin/": MAX_FORM_BYTES,
    b"POST /agents/heartbeat ": MAX_BULK_BODY_BYTES,
    b"POST /agents/heartbeat/ ": MAX_BULK_BODY_BYTES,
}
OLD = b" HTTP/1.0\r\n"

HEAD_END = b"\r\n\r\n"
FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)


class Frame(NamedTuple):
    """A request that can be served: its first `size` bytes of what has come in.

    With `is_last`, nothing on the connection can be told to be another request.
    """

    size: int
    is_last: bool = False


class Unfinished(NamedTuple):
    """A part of a request: with less than `needed` bytes there is no need to look again.

    In the first `searched` of them there is nothing to find. With `wants_continue` the client waits
    for a word before it sends the body (RFC 9110, 10.1.1).
    """

    searched: int
    needed: int
    wants_continue: bool = False


class HeadTooLargeError(Exception):
    """The request line and the headers together are larger than MAX_HEAD_BYTES."""


def frame(received: bytearray, searched: int = 0) -> Frame | Unfinished:
    """Return where the first request ends. Raise HeadTooLargeError.

    `searched` is what was said before, when there was less of it.

    A body in chunks, one that is too large, and one of unclear length are not waited for: the
    application answers by the head alone (411, 413, 400), and the connection ends with that.
    """
    found = received.find(HEAD_END, searched, MAX_HEAD_BYTES)
    if found < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise HeadTooLargeError
        size = len(received)
        return Unfinished(searched=max(0, size - len(HEAD_END) + 1), needed=size + 1)
    head_size = found + len(HEAD_END)
    said = [
        (name.lower(), value.strip()) for name, value in FRAMING.findall(received, 0, head_size)
    ]
    lengths = [value for name, value in said if name == b"content-length"]
    is_chunked = any(name == b"transfer-encoding" for name, _ in said)
    if not lengths and not is_chunked:
        return Frame(head_size)
    if is_chunked or len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,9}", lengths[0]):
        return Frame(head_size, is_last=True)
    body_size = int(lengths[0])
    if body_size > MAX_BODY_BYTES and body_size > _most_of(received):
        return Frame(head_size, is_last=True)
    if len(received) >= head_size + body_size:
        return Frame(head_size + body_size)
    wants_continue = any(
        name == b"expect" and value.lower() == b"100-continue" for name, value in said
    ) and not received[: received.find(b"\r\n") + 2].endswith(OLD)
    return Unfinished(found, head_size + body_size, wants_continue)


def _most_of(received: bytearray) -> int:
    """Return how large the body of a request may be."""
    return next(
        (most for begin, most in LARGER.items() if received.startswith(begin)), MAX_BODY_BYTES
    )
