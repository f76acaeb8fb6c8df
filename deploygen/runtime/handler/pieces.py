"""What a handler yields, for those who follow the run.

    with job.stream.follow() as updates:
        async for update in updates:  # a Piece or a Progress

Each reader gets every piece from `follow()` on, and only the latest progress. The handler waits for
slow readers, so memory does not grow. Without readers, texts are joined, the last objects kept, and
the run goes on.
"""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Self

from .context import Progress

# Of one reader, before the handler waits.
MOST_WAITING = 16
# Of the objects kept for late readers. The result keeps texts anyway.
MOST_BYTES_OF_OBJECTS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    json: bytes  # one line
    text: str | None = None

    @property
    def is_empty(self) -> bool:
        return self.text == ""


@dataclass(frozen=True, slots=True)
class Yielded:
    """`text` is joined; `objects`: the last ones, as JSON."""

    text: str
    objects: tuple[bytes, ...]


class Stream:
    """For one event loop; `put`, `report` and `text` for any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._readers: list[Reader] = []
        self._texts: list[str] = []
        self._objects: deque[bytes] = deque()
        self._bytes_of_objects = 0
        self._room = asyncio.Event()
        self._waking = False
        self.closed = False
        self.size = 0

    def put(self, piece: Piece) -> bool:
        """Return whether the handler may go on without waiting for `room`."""
        with self._lock:
            if self.closed:
                return True
            self.size += len(piece.json)
            if piece.text is not None:
                self._texts.append(piece.text)
            else:
                self._keep(piece.json)
            for reader in self._readers:
                reader.waiting.append(piece)
            self._wake()
            return self._has_room()

    def report(self, progress: Progress) -> None:
        with self._lock:
            for reader in [] if self.closed else self._readers:
                if reader.waiting and isinstance(reader.waiting[-1], Progress):
                    reader.waiting.pop()
                reader.waiting.append(progress)
                self._wake()

    async def room(self) -> None:
        while not self.closed and not self._has_room():
            self._room.clear()
            await self._room.wait()

    def follow(self) -> "Reader":
        """Use it in a `with`."""
        self._loop = asyncio.get_running_loop()
        with self._lock:
            reader = Reader(self, self._yielded())
            self._readers.append(reader)
            if self.closed:
                reader.end()
        return reader

    def leave(self, reader: "Reader") -> None:
        with self._lock:
            self._readers.remove(reader)
        self.note_room()

    def note_room(self) -> None:
        self._room.set()

    def text(self) -> str:
        """Return the text so far, "" once closed."""
        with self._lock:
            return self._joined()

    def yielded(self) -> Yielded:
        """Nothing once closed."""
        with self._lock:
            return self._yielded()

    def close(self) -> None:
        """Readers end after the pieces they have, the handler at its next one."""
        with self._lock:
            self.closed = True
            self._texts.clear()
            self._objects.clear()
            for reader in self._readers:
                reader.end()
        self.note_room()

    def _keep(self, content: bytes) -> None:
        self._objects.append(content)
        self._bytes_of_objects += len(content)
        while self._bytes_of_objects > MOST_BYTES_OF_OBJECTS:
            self._bytes_of_objects -= len(self._objects.popleft())

    def _yielded(self) -> Yielded:
        return Yielded(self._joined(), tuple(self._objects))

    def _joined(self) -> str:
        self._texts = ["".join(self._texts)]
        return self._texts[0]

    def _has_room(self) -> bool:
        return all(len(reader.waiting) < MOST_WAITING for reader in self._readers)

    def _wake(self) -> None:
        if self._loop is not None and self._readers and not self._waking:
            self._waking = True
            self._loop.call_soon_threadsafe(self._wake_readers)

    def _wake_readers(self) -> None:
        self._waking = False
        for reader in self._readers:
            reader.news.set()


class Reader:
    """For one task."""

    def __init__(self, stream: Stream, before: Yielded) -> None:
        self.before = before
        self.waiting: deque[Piece | Progress] = deque()
        self.news = asyncio.Event()
        self._stream = stream
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.leave(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece | Progress:
        while not self.waiting:
            if self._ended:
                raise StopAsyncIteration
            self.news.clear()
            await self.news.wait()
        update = self.waiting.popleft()
        self._stream.note_room()
        return update

    def end(self) -> None:
        self._ended = True
        self.news.set()
