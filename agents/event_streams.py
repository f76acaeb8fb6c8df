"""Server-sent events: a view answers with a stream, and events are sent into it from any thread.

    def watch(request):
        stream = EventStream(on_close=lambda _reason: streams.discard(stream))
        streams.add(stream)
        return EventStreamResponse(stream)

    for stream in list(streams):
        stream.send(encode_event("...", name="agent", event_id="17"))

The view runs in a thread like any other, and may refuse. From then on, the registry's own web
server holds no thread for the stream: its event loop sends the events, and a comment when there are
none. Under other servers the response is an ordinary streaming one.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from typing import Any

from django.http import StreamingHttpResponse

# What the client of a stream may leave unread.
MAX_UNSENT_BYTES = 128 * 1024
# Seconds without an event after which other servers than ours send a comment.
SILENCE_SECONDS = 15.0
# It keeps proxies from closing the connection, and finds clients that vanished without a word.
COMMENT = b":\n\n"
LINE_END = re.compile(r"\r\n|\r|\n")


class Closed(StrEnum):
    """Why a stream is over."""

    ENDED = "ended"  # its owner has ended it
    GONE = "gone"  # the client has disconnected
    SLOW = "slow"  # the client did not read fast enough
    STOPPING = "stopping"  # the server stops


class EventStream:
    """Events for one client.

    `on_close` is called once, with the reason, when no more can be sent. It is called from any
    thread, but never by `send` or `end`.
    """

    __slots__ = (
        "_lock",
        "_on_close",
        "_over",
        "_pending",
        "_pending_bytes",
        "_taken_bytes",
        "_wake",
    )

    def __init__(self, on_close: Callable[[Closed], object] | None = None) -> None:
        self._on_close = on_close
        self._lock = threading.Lock()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._taken_bytes = 0
        self._over: Closed | None = None
        self._wake: Callable[[], object] | None = None

    @property
    def over(self) -> Closed | None:
        """Why nothing can be sent any more; None while it can."""
        return self._over

    @property
    def unsent(self) -> int:
        """How many bytes the client has not taken yet; beyond MAX_UNSENT_BYTES it is cut off."""
        return self._pending_bytes + self._taken_bytes

    def send(self, event: bytes) -> bool:
        """Send an event, as `encode_event` returns it. Return False when the stream is over."""
        with self._lock:
            if self._over:
                return False
            if self.unsent + len(event) > MAX_UNSENT_BYTES:
                self._over = Closed.SLOW
            else:
                self._pending.append(event)
                self._pending_bytes += len(event)
            # Whoever was woken for an event before takes this one along.
            wake = self._wake if len(self._pending) == 1 or self._over else None
        if wake is not None:
            wake()
        return not self._over

    def end(self) -> None:
        """Send no more. The client gets what was sent before, and is disconnected."""
        with self._lock:
            self._over = self._over or Closed.ENDED
            wake = self._wake
        if wake is not None:
            wake()

    # --- For the server ----------------------------------------------------------------------

    def attach(self, wake: Callable[[], object]) -> None:
        """Have `wake` called, from any thread, when there is something new to `take`."""
        with self._lock:
            self._wake = wake
            has_something = self._pending or self._over
        if has_something:
            wake()

    def take(self) -> list[bytes]:
        """Return the events that were sent since the last time."""
        with self._lock:
            events, self._pending = self._pending, []
            self._taken_bytes += self._pending_bytes
            self._pending_bytes = 0
        return events

    def has_taken(self, unsent: int) -> None:
        """Note how much of the events that were taken has not reached the client yet."""
        with self._lock:
            self._taken_bytes = unsent

    def close(self, reason: Closed) -> Callable[[], object] | None:
        """Note that the connection is closed.

        Return the call that reports it to the owner, None where there is nobody to report to.
        """
        with self._lock:
            self._over = over = self._over or reason
            on_close, self._on_close, self._wake = self._on_close, None, None
            self._pending.clear()
        return None if on_close is None else lambda: on_close(over)


class EventStreamResponse(StreamingHttpResponse):
    """The answer that carries a stream."""

    def __init__(self, stream: EventStream, **more: Any) -> None:
        self._own_content = self._events()
        super().__init__(self._own_content, content_type="text/event-stream", **more)
        self["Cache-Control"] = "no-store"
        self["X-Accel-Buffering"] = "no"  # nginx, else, collects the events
        self._stream = stream
        self._is_handed_over = False

    def hand_over(self) -> EventStream | None:
        """Give the stream to a server that serves it without the response.

        Return None where that cannot be done, since middleware has changed the content.
        """
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
        yield COMMENT  # so that the client sees the head of the answer
        while True:
            has_new = is_new.wait(SILENCE_SECONDS)
            is_new.clear()
            over = self._stream.over
            yield b"".join(self._take()) if has_new else COMMENT
            if over:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the same to an ASGI server."""
        loop, is_new = asyncio.get_running_loop(), asyncio.Event()
        self._stream.attach(lambda: loop.call_soon_threadsafe(is_new.set))
        yield COMMENT
        while True:
            try:
                await asyncio.wait_for(is_new.wait(), SILENCE_SECONDS)
            except TimeoutError:
                yield COMMENT
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


def encode_event(data: str, *, name: str = "", event_id: str = "") -> bytes:
    """Return an event as it is sent; encode it once for all streams that it goes to.

    Raise ValueError where a name or an id has a line end, or an id has a NUL.
    """
    for value in (name, event_id):
        if LINE_END.search(value) or "\0" in value:
            raise ValueError(f"an event cannot have the name or id {value!r}")
    lines = [f"event: {name}\n"] if name else []
    lines += [f"id: {event_id}\n"] if event_id else []
    lines += [f"data: {line}\n" for line in LINE_END.split(data)]
    return "".join([*lines, "\n"]).encode()
