import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.http import StreamingHttpResponse

from agents.event_streams.stream import Closed, EventStream

SILENCE_SECONDS = 15.0


class EventStreamResponse(StreamingHttpResponse):
    def __init__(
        self, stream: EventStream, content_type: str = "text/event-stream", **more: Any
    ) -> None:
        self._own_content = self._events()
        super().__init__(self._own_content, content_type=content_type, **more)
        self["Cache-Control"] = "no-store"
        self["X-Accel-Buffering"] = "no"  # else nginx buffers events
        self._stream = stream
        self._is_handed_over = False

    def hand_over(self) -> EventStream | None:
        """Return None if middleware has changed the content."""
        if vars(self)["_iterator"] is not self._own_content:
            return None
        self._is_handed_over = True
        return self._stream

    def close(self) -> None:
        super().close()
        if not self._is_handed_over and (report := self._stream.close(Closed.GONE)):
            report()

    def _events(self) -> Iterator[bytes]:
        is_new = threading.Event()
        self._stream.attach(is_new.set)
        yield self._stream.comment
        while True:
            has_new = is_new.wait(SILENCE_SECONDS)
            is_new.clear()
            over = self._stream.over
            yield b"".join(self._take()) if has_new else self._stream.comment
            if over:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop, is_new = asyncio.get_running_loop(), asyncio.Event()
        self._stream.attach(lambda: loop.call_soon_threadsafe(is_new.set))
        yield self._stream.comment
        while True:
            try:
                await asyncio.wait_for(is_new.wait(), SILENCE_SECONDS)
            except TimeoutError:
                yield self._stream.comment
            is_new.clear()
            over = self._stream.over
            if events := self._take():
                yield b"".join(events)
            if over:
                return

    def _take(self) -> list[bytes]:
        events = self._stream.take()
        self._stream.has_taken(0)
        return events
