import json
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from agents import leases
from agents.api.etags import ETags
from agents.api.negotiation import is_plain_json, json_response
from agents.api.pagination import AgentPagination, link_to_next
from agents.api.watch import PARAMETERS as WATCH_PARAMETERS
from agents.api.watch import Watching, cursor_headers
from agents.discovery.catalog.entries import AGENT_CARD
from agents.discovery.pages import PageSerializer, read_fields, read_page_query
from agents.discovery.parameters import (
    FiltersSerializer,
    ListedAgentsSerializer,
    filter_agents,
    read_filters,
)
from agents.discovery.pick import PickSerializer, pick
from agents.leases import card_of
from agents.models import AgentRecord, ProbeVerdict
from agents.problems.errors import NoAgentToPick, NoCard
from agents.querysets import AgentQuerySet
from agents.serializers.agent import AgentSerializer
from agents.serializers.agent_page import read_page, with_card
from agents.serializers.cached import validate

PARAMETERS: dict[str, tuple[type[Serializer[Any]], ...]] = {
    "list": (ListedAgentsSerializer, PageSerializer),
    "pick": (FiltersSerializer, PickSerializer),
    "watch": WATCH_PARAMETERS,
}


class Discovery(Watching):
    pagination_class = AgentPagination
    serializer_class = AgentSerializer
    queryset = AgentRecord.objects.none()

    def get_queryset(self) -> AgentQuerySet:
        return AgentRecord.objects.with_read_at().annotate(probe_verdict=ProbeVerdict())

    def filter_queryset(self, agents: Any) -> Any:
        return filter_agents(agents, self.request.query_params)

    @method_decorator(conditional_page)
    def list(self, request: Request) -> HttpResponseBase:
        if not is_plain_json(request):
            agents = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            found = self.get_serializer(agents, many=True).data
            fields = read_fields(request.query_params)
            return self.get_paginated_response(
                [{name: agent[name] for name in fields} for agent in found]
            )
        query, etags = read_page_query(request.query_params), ETags(request)
        cursor = cursor_headers()  # before the agents, so that no change is missed
        page = query.read(self.filter_queryset(AgentRecord.objects.all()), etags.known_tags())
        next_after = page.next_after
        link = {"Link": link_to_next(request, query, next_after)} if next_after else {}
        return etags.response(page, f"[{page.body}]", **link, **cursor)

    @method_decorator(conditional_page)
    def retrieve(self, request: Request, agent_id: str) -> HttpResponseBase:
        if is_plain_json(request):
            agents, etags = AgentRecord.objects.filter(agent_id=agent_id), ETags(request)
            page = read_page(agents, 1, etags.known_tags())
            if page.count:
                body = page.body and with_card(page.body, card_of(agent_id))
                return etags.response(page, body)
        elif agent := self.get_queryset().filter(agent_id=agent_id).first():
            return Response({**self.get_serializer(agent).data, "agent_card": card_of(agent_id)})
        raise leases.UnknownAgent(agent_id)

    @action(detail=True, methods=["get"])
    def card(self, request: Request, agent_id: str) -> HttpResponseBase:
        card = card_of(agent_id)
        if card is None:
            raise NoCard
        return json_response(request, card, AGENT_CARD)

    @action(detail=False, methods=["get"])
    def pick(self, request: Request) -> HttpResponseBase:
        exclude = validate(PickSerializer, request.query_params)["exclude"]
        filters = read_filters(request.query_params)
        agent = pick(filters, exclude, read_fields(request.query_params))
        if agent is None:
            raise NoAgentToPick
        response: HttpResponseBase
        if is_plain_json(request):
            response = HttpResponse(agent, content_type=JSONRenderer.media_type)
        else:
            response = Response(json.loads(agent))
        response["Cache-Control"] = "no-store"
        return response
