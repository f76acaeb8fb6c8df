"""Well-known addresses: the catalog, and the A2A cards of agents."""

from django.http import HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from agents.api import ard_documentation as documentation
from agents.api.ard_serializers import EntrySerializer
from agents.api.authentication import address_of
from agents.api.calls import StrictCalls
from agents.api.negotiation import json_response
from agents.api.pagination import next_link
from agents.api.permissions import MayRead, MayRegister, enrolment_of
from agents.discovery.cards import CardsSerializer, read_cards
from agents.discovery.catalog.entries import CATALOG
from agents.discovery.catalog.manifest import ManifestSerializer, manifest
from agents.models import AgentRecord
from agents.registrations.announcements import AnnouncementSerializer, announce
from agents.serializers.a2a import VERSIONS, in_version
from agents.serializers.cached import validate

VERSION_HEADER = "A2A-Version"


class WellKnownViewSet(StrictCalls, GenericViewSet[AgentRecord]):
    # For the document; responses are no records.
    serializer_class = EntrySerializer
    parameters = {"catalog": (ManifestSerializer,), "cards": (CardsSerializer,)}

    def get_permissions(self) -> list[BasePermission]:
        return [MayRegister() if "post" in self.action_map else MayRead()]

    @documentation.catalog
    def catalog(self, request: Request) -> HttpResponseBase:
        query = validate(ManifestSerializer, request.query_params)
        return json_response(request, manifest(**query), CATALOG)

    @documentation.cards
    def cards(self, request: Request) -> HttpResponseBase:
        query = validate(CardsSerializer, request.query_params)
        version = _version(request)
        cards, last = read_cards(query["after"], query["limit"])
        headers = {"Vary": VERSION_HEADER}
        if last is not None:
            headers["Link"] = next_link(request, after=last)
        found = [in_version(card, version) for card in cards]
        return json_response(request, found, JSONRenderer.media_type, headers)

    @documentation.announce
    def announce(self, request: Request) -> Response:
        announcement = validate(AnnouncementSerializer, request.data)
        interval = announce(
            announcement, address_of(request), lambda agent_id: enrolment_of(request, agent_id)
        )
        # For its client, `verified` means that the agent is listed.
        return Response(
            {"status": "ok", "verified": True},
            status=status.HTTP_202_ACCEPTED,
            headers={"Retry-After": str(interval)},
        )


def _version(request: Request) -> str | None:
    """Return which version of A2A the caller wants, if it says so."""
    text = request.headers.get(VERSION_HEADER)
    if text is None:
        return None
    for version in VERSIONS:
        if text == version or text.startswith(f"{version}.") or f"{text}.0" == version:
            return version
    raise ValidationError({VERSION_HEADER: [f"Known are: {', '.join(VERSIONS)}."]})
