"""Server-sent events: a view answers with a stream, and events are sent into it from any thread.

    def watch(request):
        stream = EventStream(on_close=lambda _reason: streams.discard(stream))
        streams.add(stream)
        return EventStreamResponse(stream)

    for stream in list(streams):
        stream.send(encode_event("...", name="agent", event_id="17"))

The view runs in a thread like any other, and may refuse. Once it has answered, the registry's web
server holds no thread for the stream: its event loop sends the events, and a comment when there are
none. Under other servers this is an ordinary streaming response, which holds a thread.

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
