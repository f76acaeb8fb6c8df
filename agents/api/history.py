"""The history of one agent, or of all, newest first."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from agents.api.calls import StrictCalls
from agents.api.documentation import AGENT_ID, answers
from agents.api.pagination import next_link
from agents.api.permissions import MayReadHistory
from agents.api.watch import current_position
from agents.discovery.pages import BAD_CURSOR, MAX_CURSOR_LENGTH
from agents.history import feed
from agents.history.feed import Cursor, InvalidCursor
from agents.models import AgentEvent
from agents.serializers.cached import represent, validate
from agents.serializers.event import EventSerializer

DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000
EVENTS = {"_200": EventSerializer(many=True)}


class EventsSerializer(serializers.Serializer[Any]):
    kind = serializers.ListField(
        child=serializers.ChoiceField(AgentEvent.Kind.choices),
        default=list,
        help_text="Only events of this kind; given several times, of any of these.",
    )
    limit = serializers.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text="At most this many events; a Link header leads to older ones.",
    )
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR_LENGTH,
        help_text="From the Link header of the previous page.",
    )


class HistoryViewSet(StrictCalls, GenericViewSet[AgentEvent]):
    # The browsable API asks for it.
    queryset = feed.newest_first().none()
    serializer_class = EventSerializer
    permission_classes: list[type[BasePermission]] = [MayReadHistory]
    parameters = {"of_agent": (EventsSerializer,), "of_all": (EventsSerializer,)}

    @extend_schema(
        operation_id="agent_events",
        summary="The history of one agent",
        description="Newest first, also of an agent that is gone. The event that ended it has its "
        "last `record`. Empty if nothing is known of it. 404: not an id.",
        parameters=[AGENT_ID, EventsSerializer],
        responses=answers(401, 403, 404, 422, **EVENTS),
        filters=False,
    )
    def of_agent(self, request: Request, agent_id: str) -> Response:
        return self._page(request, agent_id)

    @extend_schema(
        operation_id="events",
        summary="The history of all agents, and of the registry",
        description="Newest first.",
        parameters=[EventsSerializer],
        responses=answers(401, 403, 422, **EVENTS),
        filters=False,
    )
    def of_all(self, request: Request) -> Response:
        return self._page(request, None)

    def _page(self, request: Request, agent_id: str | None) -> Response:
        query = validate(EventsSerializer, request.query_params)
        before = _position(query["cursor"]) if "cursor" in query else current_position() + 1
        limit = query["limit"]
        events = list(feed.older(before, agent_id, query["kind"])[: limit + 1])
        headers = {}
        if len(events) > limit:
            events = events[:limit]
            headers["Link"] = next_link(request, cursor=str(Cursor(events[-1].pk)))
        return Response([represent(EventSerializer, event) for event in events], headers=headers)


def _position(cursor: str) -> int:
    try:
        return Cursor.read(cursor).position
    except InvalidCursor as error:
        raise ValidationError({"cursor": [BAD_CURSOR]}) from error
