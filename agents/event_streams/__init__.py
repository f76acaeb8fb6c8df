"""Server-sent events: a view answers with a stream, and any thread sends events into it.

    def watch(request):
        stream = EventStream(on_close=lambda _reason: streams.discard(stream))
        streams.add(stream)
        return EventStreamResponse(stream)

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from agents.event_streams.encoding import COMMENT, encode_event
from agents.event_streams.response import SILENCE_SECONDS, EventStreamResponse
from agents.event_streams.stream import MAX_UNSENT_BYTES, Closed, EventStream

__all__ = [
    "COMMENT",
    "MAX_UNSENT_BYTES",
    "SILENCE_SECONDS",
    "Closed",
    "EventStream",
    "EventStreamResponse",
    "encode_event",
]
