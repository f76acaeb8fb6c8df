from registry_project.server.chunked import ChunkedBody, MalformedChunksError
from registry_project.server.framing import ChunkedHead, HeadTooLargeError, Unfinished, frame


class RefusedError(Exception):
    """The client gets this status, and is disconnected."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class Incoming:
    __slots__ = (
        "_body",
        "_coding",
        "_head",
        "_needed",
        "_received",
        "_searched",
        "is_last",
        "must_continue",
    )

    def __init__(self) -> None:
        self._received = bytearray()
        self._searched = 0
        self._needed = 1
        self._head = b""
        self._coding = slice(0)
        self._body: ChunkedBody | None = None
        self.is_last = False
        self.must_continue = False

    @property
    def has_begun(self) -> bool:
        return bool(self._received) or self._body is not None

    @property
    def size(self) -> int:
        size = len(self._received)
        return size if self._body is None else size + len(self._head) + len(self._body.content)

    @property
    def head(self) -> bytes:
        return bytes(self._received) if self._body is None else self._head

    def add(self, data: bytes) -> None:
        self._received += data

    def clear(self) -> None:
        self._received.clear()
        self._body = None

    def next_request(self) -> bytes | None:
        """Return None if it is incomplete."""
        if len(self._received) < self._needed:
            return None
        if self._body is not None:
            return self._read_chunks(self._body)
        try:
            found = frame(self._received, self._searched)
        except HeadTooLargeError as error:
            raise RefusedError(431, "Request Header Fields Too Large") from error
        if isinstance(found, Unfinished):
            self._searched, self._needed = found.searched, found.needed
            self.must_continue = found.wants_continue
            return None
        self._searched, self._needed = 0, 1
        taken = bytes(self._received[: found.size])
        del self._received[: found.size]
        if isinstance(found, ChunkedHead):
            self._head, self._coding = taken, found.coding
            self._body = ChunkedBody(found.max_body)
            self.must_continue = found.wants_continue
            return self._read_chunks(self._body)
        self.is_last = found.is_last
        return taken

    def _read_chunks(self, body: ChunkedBody) -> bytes | None:
        try:
            is_whole = body.read(self._received)
        except MalformedChunksError as error:
            raise RefusedError(400, "Bad Request") from error
        if not is_whole:
            return None
        self._body, self.must_continue = None, False
        self.is_last = body.is_too_large
        content = b"" if body.is_too_large else body.content
        before, behind = self._head[: self._coding.start], self._head[self._coding.stop :]
        return b"%s\r\nContent-Length: %d%s%s" % (before, body.size, behind, content)
