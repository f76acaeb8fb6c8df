"""Parsing of HTTP responses."""

# Results of `response_length`: more bytes are needed; the response ends with the connection.
UNKNOWN = 0
UNTIL_CLOSED = -1

HEAD_END = b"\r\n\r\n"
WITHOUT_BODY = (b"204", b"304")


def response_length(received: bytes) -> int:
    """Return the length in bytes of the response, head and body, that `received` begins with.

    The length of a chunked response is UNKNOWN until its end has arrived. Does not support HEAD.
    Raises ValueError if it is not HTTP.
    """
    head_end = received.find(HEAD_END)
    if head_end < 0:
        return UNKNOWN
    status_of(received)
    body = head_end + len(HEAD_END)
    head = received[:body].lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        start = at + len(b"\r\ncontent-length:")
        return body + int(head[start : head.index(b"\r\n", start)])
    if head.find(b"\r\ntransfer-encoding: chunked") >= 0:
        return _chunks_end(received, body)
    return body if received[9:12] in WITHOUT_BODY else UNTIL_CLOSED


def status_of(response: bytes) -> int:
    if response[:5] != b"HTTP/":
        raise ValueError(f"not an HTTP response: {response[:40]!r}")
    return int(response[9:12])


def body_of(response: bytes) -> bytes:
    """Return the body; a chunked one is not decoded."""
    return response[response.index(HEAD_END) + len(HEAD_END) :]


def header_of(response: bytes, name: bytes) -> bytes | None:
    """Return the first header named `name`, given in lower case; None without one."""
    head = response[: response.index(HEAD_END) + 2]
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return None
    return head[at + len(name) + 3 : head.index(b"\r\n", at + 2)].strip()


def says_close(response: bytes) -> bool:
    head = response[: response.index(HEAD_END) + 2].lower()
    return b"\r\nconnection: close\r\n" in head or head.startswith(b"http/1.0")


def _chunks_end(received: bytes, at: int) -> int:
    while True:
        line_end = received.find(b"\r\n", at)
        if line_end < 0:
            return UNKNOWN
        size = int(received[at:line_end].partition(b";")[0], 16)
        at = line_end + 2 + size + 2
        if len(received) < at:
            return UNKNOWN
        if size == 0:  # without trailers, which these servers do not send
            return at
