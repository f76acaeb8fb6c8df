import time
from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from agents.discovery.parameters import ListedAgentsSerializer
from agents.discovery.watch import Hub, NotWatchable, Poll, View, Watcher
from agents.discovery.watch.watchers import Follower
from agents.event_streams import Closed, EventStream, EventStreamResponse
from agents.history import feed
from agents.history.feed import Cursor, InvalidCursor
from agents.models import AgentRecord
from agents.problems.errors import CursorGone, RegistryUnavailable
from agents.serializers.cached import validate

CURSOR_HEADER = "Registry-Cursor"
LAST_EVENT_ID = "Last-Event-ID"
LONGEST_WAIT = 60
NEWLINE = b"\n"  # allowed before JSON
NOT_WATCHABLE = "Agents report this with heartbeats, which leave no events: it cannot be watched."
BAD_CURSOR = f"Take it from the header {CURSOR_HEADER} of a list, or from the watch."

HUB = Hub()


class EventStreamRenderer(JSONRenderer):
    media_type = "text/event-stream"


class WatchSerializer(serializers.Serializer[Any]):
    since = serializers.CharField(
        required=False,
        max_length=64,
        help_text="A cursor: changes after it are sent. Without one, the watch begins now. The "
        f"header {LAST_EVENT_ID} takes precedence.",
    )
    wait = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
        help_text="Seconds after which to answer, with JSON, if there are no changes before.",
    )


PARAMETERS = (ListedAgentsSerializer, WatchSerializer)


class Watching(GenericViewSet[AgentRecord]):
    @action(detail=False, methods=["get"], renderer_classes=[EventStreamRenderer, JSONRenderer])
    def watch(self, request: Request) -> EventStreamResponse:
        query = validate(WatchSerializer, request.query_params)
        try:
            view = View.of(request.query_params)
        except NotWatchable as error:
            raise ValidationError({error.name: [NOT_WATCHABLE]}) from error
        cursor = request.headers.get(LAST_EVENT_ID) or query.get("since")
        position = current_position() if cursor is None else _position(cursor)
        now = time.monotonic()

        def on_close(_reason: Closed) -> None:
            HUB.remove(follower)

        stream = EventStream(on_close)
        follower: Follower
        if "wait" in query or not isinstance(request.accepted_renderer, EventStreamRenderer):
            stream.comment = NEWLINE
            wait = 0 if cursor is None else query.get("wait", LONGEST_WAIT)
            follower = Poll(view, position, stream, until=now + wait)
            response = EventStreamResponse(stream, JSONRenderer.media_type)
        else:
            follower = Watcher(view, position, stream, now)
            response = EventStreamResponse(stream)
        HUB.add(follower)
        return response


def current_position() -> int:
    """Return a position for a watch that begins now. Raise RegistryUnavailable."""
    position = feed.settled_position()
    if position is None:
        raise RegistryUnavailable(
            "An open transaction keeps events from being read in order. Try again."
        )
    return position


def cursor_headers() -> dict[str, str]:
    """Return the cursor for a list that is read next, if there is one at the moment."""
    position = feed.settled_position(patience=0.1)
    return {} if position is None else {CURSOR_HEADER: str(Cursor(position))}


def _position(text: str) -> int:
    try:
        position = Cursor.read(text).position
    except InvalidCursor as error:
        raise ValidationError({"since": [BAD_CURSOR]}) from error
    if not feed.is_complete_after(position):
        raise CursorGone
    return position
