"""Agentic Resource Discovery: https://github.com/ards-project/ard-spec, sections 7 and 8."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from agents.api import ard_documentation as documentation
from agents.api.ard_serializers import EntrySerializer
from agents.api.calls import StrictCalls
from agents.api.negotiation import json_response
from agents.api.permissions import MayRead
from agents.discovery.catalog.entries import read_entries_by_id
from agents.discovery.catalog.facets import facet
from agents.discovery.catalog.listing import list_entries
from agents.discovery.catalog.requests import (
    ExploreSerializer,
    ListingSerializer,
    SearchSerializer,
    countable,
    found,
    matching,
)
from agents.discovery.catalog.tokens import MAX_OFFSET, offset_in, token_of
from agents.discovery.search import Search
from agents.models import AgentRecord
from agents.problems.details import problem
from agents.serializers.cached import validate

JSON = JSONRenderer.media_type
ERROR_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RATE_LIMIT_EXCEEDED",
    503: "UNAVAILABLE",
}


class ArdViewSet(StrictCalls, GenericViewSet[AgentRecord]):
    # For the document; responses are no records.
    serializer_class = EntrySerializer
    permission_classes = (MayRead,)
    parameters = {"entries": (ListingSerializer,)}

    def handle_exception(self, exc: Exception) -> Response:
        """Answer with Problem Details that are ARD's errors, too."""
        response = super().handle_exception(exc)
        status = response.status_code
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            status = response.status_code = HTTPStatus.BAD_REQUEST
            response.data = problem(status, errors=response.data["errors"])
        default = (
            "INTERNAL_ERROR" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ERROR_CODES[400]
        )
        response.data["errorCode"] = ERROR_CODES.get(status, default)
        response.data["message"] = response.data["detail"]
        return response

    @documentation.search
    def search(self, request: Request) -> HttpResponseBase:
        call = validate(SearchSerializer, request.data)
        query, size = call["query"], call["pageSize"]
        offset = offset_in(call["pageToken"], query) if "pageToken" in call else 0
        ranked = Search(matching(query), query["text"]).read(size + 1, offset)
        page = ranked[:size]
        entries = read_entries_by_id([one.agent_id for one in page])
        source = f"{settings.REGISTRY_URL}/ard"
        answer: dict[str, Any] = {
            # An agent deleted in between has none.
            "results": [
                {**entries[one.agent_id], "score": one.score, "source": source}
                for one in page
                if one.agent_id in entries
            ]
        }
        if call["federation"] == "referrals":
            answer["referrals"] = []
        if len(ranked) > size and offset + size <= MAX_OFFSET:
            answer["pageToken"] = token_of(query, offset + size)
        return json_response(request, answer, JSON)

    @documentation.explore
    def explore(self, request: Request) -> HttpResponseBase:
        call = validate(ExploreSerializer, request.data)
        agents = found(call.get("query", {}))
        facets = {}
        for wanted in call["resultType"]["facets"]:
            counts = countable(wanted["field"])
            if counts is not None:
                facets[wanted["field"]] = facet(
                    agents, counts, limit=wanted["limit"], min_count=wanted["minCount"]
                )
        return json_response(request, {"resultType": "facets", "facets": facets}, JSON)

    @documentation.entries
    def entries(self, request: Request) -> HttpResponseBase:
        query = validate(ListingSerializer, request.query_params)
        return json_response(request, list_entries(query), JSON)
