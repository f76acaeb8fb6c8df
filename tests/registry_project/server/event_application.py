"""A small Django application with event streams, for tests of the web server."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import cast

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path

from agents.event_streams import (
    Closed,
    EventStream,
    EventStreamResponse,
    encode_event,
)

LARGE_EVENT = encode_event("x" * 10_000)
BACKLOG_BYTES = 30_000

streams: set[EventStream] = set()
reasons: list[str] = []


def echo(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("echo")


def events(request: HttpRequest) -> HttpResponseBase:
    """Answer with a stream. With `greeting`, send one event before the response is returned."""
    if "refused" in request.GET:
        return HttpResponseForbidden("refused")

    def forget(reason: Closed) -> None:
        streams.discard(stream)
        reasons.append(reason)
        sys.stderr.write(f"closed: {reason}\n")

    stream = EventStream(on_close=forget)
    if "greeting" in request.GET:
        stream.send(encode_event("hello"))
    streams.add(stream)
    response = EventStreamResponse(stream)
    if "wrapped" in request.GET:
        pieces = cast("Iterator[bytes]", response.streaming_content)
        response.streaming_content = (piece.replace(b"data", b"DATA") for piece in pieces)
    return response


def send(request: HttpRequest) -> JsonResponse:
    """Send an event to all streams; return how many are open."""
    event = encode_event(request.GET.get("text", ""), name="text")
    return JsonResponse([stream.send(event) for stream in list(streams)].count(True), safe=False)


def send_many(request: HttpRequest) -> JsonResponse:
    """Send pairs of thread and number from many threads at once."""
    threads, each = int(request.GET["threads"]), int(request.GET["each"])

    def run(thread: int) -> None:
        for number in range(each):
            for stream in list(streams):
                stream.send(encode_event(json.dumps([thread, number])))

    running = [threading.Thread(target=run, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return JsonResponse(len(streams), safe=False)


def flood(_request: HttpRequest) -> JsonResponse:
    """Send until the only stream is closed; return the number of events sent."""
    [stream] = streams
    sent = 0
    while sent < 10_000 and stream.send(LARGE_EVENT):
        sent += 1
    return JsonResponse(sent, safe=False)


def fill(_request: HttpRequest) -> JsonResponse:
    """Send until each stream has a backlog, but no more than that.

    Return whether all had one before: between calls the event loop sends what the kernel takes.
    """
    was_full = all(stream.unsent >= BACKLOG_BYTES for stream in streams)
    for stream in list(streams):
        while stream.unsent < BACKLOG_BYTES and stream.send(LARGE_EVENT):
            time.sleep(0.001)
    return JsonResponse(was_full, safe=False)


def end(_request: HttpRequest) -> JsonResponse:
    ended = list(streams)
    for stream in ended:
        stream.send(encode_event("last"))
        stream.end()
        assert not stream.send(encode_event("too late"))
    return JsonResponse(len(ended), safe=False)


def state(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"open": len(streams), "closed": reasons})


urlpatterns = [
    path(f"{view.__name__.replace('_', '-')}", view)
    for view in (echo, events, send, send_many, flood, fill, end, state)
]

# gunicorn's configuration has loaded the settings of the project.
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
settings.ALLOWED_HOSTS = ["*"]
application = get_wsgi_application()
