"""Chunked bodies (RFC 9112, 7.1). Extensions and trailers are ignored."""

import re

MAX_LINE_BYTES = 256
MAX_TRAILER_BYTES = 8 * 1024
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[ \t]*%(token)s(?:[ \t]*=[ \t]*(?:%(token)s|%(quoted)s))?)*"
    % {b"token": TOKEN, b"quoted": QUOTED}
)
TRAILER = re.compile(rb"%s:[\t\x20-\x7e\x80-\xff]*" % TOKEN)


class MalformedChunksError(Exception):
    pass


class ChunkedBody:
    def __init__(self, most: int) -> None:
        self.content = bytearray()
        self.size = 0
        self._most = most
        self._left = 0
        self._ends_chunk = False
        self._trailer_bytes = -1

    @property
    def is_too_large(self) -> bool:
        return self.size > self._most

    def read(self, received: bytearray) -> bool:
        """Move the body out of `received`. Return True when it is complete or too large.

        Raise MalformedChunksError.
        """
        at = 0
        try:
            while True:
                if self._left:
                    taken = min(self._left, len(received) - at)
                    self.content += received[at : at + taken]
                    at += taken
                    self._left -= taken
                    if self._left:
                        return False
                    self._ends_chunk = True
                line = _line(received, at)
                if line is None:
                    return False
                at += len(line) + 2
                if self._take_line(line):
                    return True
        finally:
            del received[:at]

    def _take_line(self, line: bytearray) -> bool:
        if self._ends_chunk:
            if line:
                raise MalformedChunksError("a chunk is longer than its size says")
            self._ends_chunk = False
            return False
        if self._trailer_bytes >= 0:
            return self._take_trailer(line)
        size = SIZE.fullmatch(line)
        if size is None:
            raise MalformedChunksError("a chunk has no size")
        self._left = int(size[1], 16)
        if not self._left:
            self._trailer_bytes = 0
        self.size += self._left
        return self.is_too_large

    def _take_trailer(self, line: bytearray) -> bool:
        if line and not TRAILER.fullmatch(line):
            raise MalformedChunksError("a line of the trailer is not a field")
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MAX_TRAILER_BYTES:
            raise MalformedChunksError("the trailer is too long")
        return not line


def _line(received: bytearray, at: int) -> bytearray | None:
    end = received.find(b"\r\n", at, at + MAX_LINE_BYTES)
    if end < 0 and len(received) - at >= MAX_LINE_BYTES:
        raise MalformedChunksError("a line is too long")
    return None if end < 0 else received[at:end]
