import json

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_GET

from agents.admin.dashboard.live.audience import Login, may_look
from agents.admin.dashboard.live.changes import Changes, changes_between, read_position
from agents.admin.dashboard.live.pulse import Pulse
from agents.admin.dashboard.live.streams import OpenPage, Streams
from agents.event_streams import EventStream, EventStreamResponse, encode_event
from agents.history import feed

# Browsers do not try again by themselves, and pages poll instead.
NO_STREAM = 204
PATIENCE = 0.1
PULSE = Pulse()
STREAMS = Streams(PULSE)


@require_GET
def stream(request: HttpRequest) -> HttpResponseBase:
    """Send the changes after the cursor `since`, or from now on, until the login ends."""
    if not admin.site.has_permission(request):
        return HttpResponse(status=NO_STREAM)  # a login page is no stream
    if not may_look(request):
        raise PermissionDenied
    since = request.headers.get("Last-Event-ID") or request.GET.get("since")
    start = _start(since)
    events = EventStream(lambda _reason: STREAMS.remove(events))
    page = OpenPage(events, Login.of(request), start.position)
    if not STREAMS.add(page, encode_event(json.dumps(start.as_dict), name="hello")):
        return HttpResponse(status=NO_STREAM)
    return EventStreamResponse(events)


@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """Return the changes after the cursor `since`, for pages that cannot have a stream."""
    if not may_look(request):
        raise PermissionDenied
    start = _start(request.GET.get("since"))
    found = start
    if start.is_all and feed.newest_position() > start.position:
        until = feed.settled_position(patience=PATIENCE)
        found = start if until is None else changes_between(start.position, until)
    response = JsonResponse(found.as_dict | {"pulse": PULSE.read()})
    response["Cache-Control"] = "no-store"
    return response


def _start(since: str | None) -> Changes:
    position = None if since is None else read_position(since)
    if position is not None:
        return Changes(position, [])
    settled = feed.settled_position(patience=PATIENCE)
    newest = feed.newest_position() if settled is None else settled
    return Changes(newest, [], is_all=since is None and settled is not None)
