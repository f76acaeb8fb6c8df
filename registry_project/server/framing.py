import re
from typing import NamedTuple

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024
MAX_FORM_BYTES = 256 * 1024
MAX_BULK_BODY_BYTES = 512 * 1024  # a thousand of the longest leases
LARGER_BODIES = {
    b"POST /admin/": MAX_FORM_BYTES,
    b"POST /agents/heartbeat ": MAX_BULK_BODY_BYTES,
    b"POST /agents/heartbeat/ ": MAX_BULK_BODY_BYTES,
}

HEAD_END = b"\r\n\r\n"
FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect)([ \t]*):[ \t]*([^\r\n]*)", re.IGNORECASE
)
LENGTH = re.compile(rb"[0-9]{1,9}[ \t]*")
HTTP_1_1 = re.compile(rb"[^\r\n]* HTTP/1\.1\r\n")


class Frame(NamedTuple):
    """`is_last`: what follows cannot be trusted."""

    size: int
    is_last: bool = False


class Unfinished(NamedTuple):
    """`needed`: bytes, at least. `searched`: bytes without the end of the head.

    `wants_continue`: for "100 Continue" (RFC 9110, 10.1.1).
    """

    searched: int
    needed: int
    wants_continue: bool = False


class ChunkedHead(NamedTuple):
    """`coding`: the line end and the field Transfer-Encoding."""

    size: int
    coding: slice
    max_body: int
    wants_continue: bool


class HeadTooLargeError(Exception):
    pass


def frame(received: bytearray, searched: int = 0) -> Frame | ChunkedHead | Unfinished:
    """Return where the first request ends. `searched`: from the last `Unfinished`.

    Leaves out bodies that are too large or malformed, for others to refuse with 413 or 400. Raise
    HeadTooLargeError.
    """
    found = received.find(HEAD_END, searched, MAX_HEAD_BYTES)
    if found < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise HeadTooLargeError
        size = len(received)
        return Unfinished(searched=max(0, size - len(HEAD_END) + 1), needed=size + 1)
    head_size = found + len(HEAD_END)
    fields = list(FRAMING.finditer(received, 0, head_size))
    sizes = [field for field in fields if field[1].lower() != b"expect"]
    if not sizes:
        return Frame(head_size)
    wants_continue = len(sizes) < len(fields) and _wants_continue(received, fields)
    if len(sizes) == 1 and sizes[0][1].lower() == b"content-length":
        return _with_length(received, head_size, sizes[0][3], wants_continue=wants_continue)
    if len(sizes) == 1 and _is_chunked(received, sizes[0]):
        coding = slice(*sizes[0].span())
        return ChunkedHead(head_size, coding, _max_body(received), wants_continue)
    return Frame(head_size, is_last=True)


def _with_length(
    received: bytearray, head_size: int, length: bytes, *, wants_continue: bool
) -> Frame | Unfinished:
    if not LENGTH.fullmatch(length):
        return Frame(head_size, is_last=True)
    body_size = int(length)
    if body_size > MAX_BODY_BYTES and body_size > _max_body(received):
        return Frame(head_size, is_last=True)
    if len(received) >= head_size + body_size:
        return Frame(head_size + body_size)
    return Unfinished(head_size - len(HEAD_END), head_size + body_size, wants_continue)


def _is_chunked(received: bytearray, field: re.Match[bytes]) -> bool:
    _, space, value = field.groups()
    return not space and value.strip().lower() == b"chunked" and bool(HTTP_1_1.match(received))


def _wants_continue(received: bytearray, fields: list[re.Match[bytes]]) -> bool:
    expected = [field[3].strip().lower() for field in fields if field[1].lower() == b"expect"]
    return b"100-continue" in expected and bool(HTTP_1_1.match(received))


def _max_body(received: bytearray) -> int:
    return next(
        (most for begin, most in LARGER_BODIES.items() if received.startswith(begin)),
        MAX_BODY_BYTES,
    )
