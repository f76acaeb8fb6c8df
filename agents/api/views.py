"""The agents' calls: doors to `agents.leases` and `agents.querysets`."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from agents import agent_ids, leases
from agents.api import documentation
from agents.api.authentication import (
    AccessTokenAuthentication,
    Lease,
    LeaseTokenAuthentication,
    address_of,
)
from agents.api.etags import ETags
from agents.api.pagination import AgentPagination, link_to_next, read_page_query
from agents.api.parsers import check_length
from agents.api.permissions import (
    MayDeregister,
    MayHeartbeat,
    MayRead,
    MayRegister,
    actor_of,
    enrolment_of,
)
from agents.api.serializers import ListingQuerySerializer, RegistrationSerializer
from agents.api.throttling import count_registration
from agents.heartbeats.bulk import admit_many, bulk_answer
from agents.heartbeats.serializers import (
    HeartbeatSerializer,
    ManyHeartbeatsSerializer,
    RenewedSerializer,
)
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet
from agents.serializers.agent import AgentSerializer, RegisteredAgentSerializer
from agents.serializers.agent_page import Page, read_page
from agents.serializers.cached import represent, validate

# What is done with a lease takes the token of that lease, and no other.
OF_A_LEASE = ("heartbeat", "destroy")
PERMISSIONS: dict[str, type[BasePermission]] = {
    "register": MayRegister,
    "heartbeat": MayHeartbeat,
    "heartbeat_many": AllowAny,
    "destroy": MayDeregister,
}


@documentation.of_agents
class AgentViewSet(GenericViewSet[AgentRecord]):
    """Which agents live, where, and what they can do."""

    lookup_field = "agent_id"
    lookup_value_regex = agent_ids.PATTERN
    pagination_class = AgentPagination
    serializer_class = AgentSerializer
    queryset = AgentRecord.objects.none()

    def get_authenticators(self) -> list[BaseAuthentication]:
        action = self._asked_for()
        if action == "heartbeat_many":
            return [SessionAuthentication()]  # for the browsable API; the tokens are in the body
        first = LeaseTokenAuthentication if action in OF_A_LEASE else AccessTokenAuthentication
        return [first(), SessionAuthentication()]

    def get_permissions(self) -> list[BasePermission]:
        return [PERMISSIONS.get(self._asked_for() or "", MayRead)()]

    def _asked_for(self) -> str | None:
        """Return the action; of who asks what may be posted (OPTIONS), that of posting it."""
        # Asked before there is an `action`, but by the documentation, which has no request.
        method = getattr(self.request, "method", None)
        if method is None:
            return self.action
        return self.action_map.get("post" if method == "OPTIONS" else method.lower())

    def check_permissions(self, request: Request) -> None:
        # First, since a call that is refused costs something as well.
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done before the permissions; DRF asks after them."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        is_bulk = self.action == "heartbeat_many"
        check_length(request, settings.MAX_BULK_BODY_BYTES if is_bulk else settings.MAX_BODY_BYTES)
        super().initial(request, *args, **kwargs)

    def get_queryset(self) -> AgentQuerySet:
        return AgentRecord.objects.with_read_at()

    def filter_queryset(self, agents: Any) -> Any:
        wanted = validate(ListingQuerySerializer, self.request.query_params)
        agents = agents.with_tags(wanted["tag"]).with_skills(wanted["skill"])
        if not wanted["include_dead"]:
            agents = agents.alive()
        if "search" in wanted:
            agents = agents.search(wanted["search"])
        return agents.filter(
            **{name: wanted[name] for name in ("status", "state") if name in wanted}
        )

    @method_decorator(conditional_page)
    def list(self, request: Request) -> HttpResponseBase:
        if not _is_plain_json(request):
            shown = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
            return self.get_paginated_response(self.get_serializer(shown, many=True).data)
        query, etags = read_page_query(request), ETags(request)
        agents = query.behind_cursor(self.filter_queryset(AgentRecord.objects.all()))
        page = read_page(agents, query.limit, etags.known_tags())
        link = {"Link": link_to_next(request, page.next_after)} if page.next_after else {}
        return _json(page, etags, f"[{page.body}]", **link)

    @method_decorator(conditional_page)
    def retrieve(self, request: Request, agent_id: str) -> HttpResponseBase:
        if _is_plain_json(request):
            agents, etags = AgentRecord.objects.filter(agent_id=agent_id), ETags(request)
            page = read_page(agents, 1, etags.known_tags())
            if page.count:
                return _json(page, etags, page.body)
        elif agent := self.get_queryset().filter(agent_id=agent_id).first():
            return Response(self.get_serializer(agent).data)
        raise leases.UnknownAgent(agent_id)

    @action(detail=False, methods=["post"])
    def register(self, request: Request) -> Response:
        registration = validate(RegistrationSerializer, request.data)
        agent_id = registration["agent_id"]
        enrolment = enrolment_of(request, agent_id)
        count_registration(agent_id)
        registered = leases.register(
            **registration, address=address_of(request), enrolment=enrolment
        )
        return Response(
            represent(RegisteredAgentSerializer, registered.agent),
            status=status.HTTP_201_CREATED if registered.created else status.HTTP_200_OK,
        )

    @action(detail=True, methods=["post"])
    def heartbeat(self, request: Request, agent_id: str) -> Response:
        report = validate(HeartbeatSerializer, request.data)
        renewed = leases.renew(
            agent_id=agent_id,
            generation=_generation(request),
            address=address_of(request),
            **report,
        )
        return Response(represent(RenewedSerializer, renewed))

    @action(detail=False, methods=["post"], url_path="heartbeat", url_name="heartbeats")
    def heartbeat_many(self, request: Request) -> Response:
        call = validate(ManyHeartbeatsSerializer, request.data)
        admitted = admit_many(
            [(lease["agent_id"], lease.get("lease_token")) for lease in call["agents"]],
            address_of(request),
        )
        outcomes = leases.renew_many(admitted.renewals, waits=True)
        return Response(bulk_answer(admitted, outcomes))

    def destroy(self, request: Request, agent_id: str) -> Response:
        leases.deregister(
            agent_id=agent_id,
            generation=_generation(request),
            actor=actor_of(request),
            address=address_of(request),
        )
        return Response({"status": "deleted", "agent_id": agent_id})


def _is_plain_json(request: Request) -> bool:
    """Whether the answer is JSON as programs take it: not in a browser's page, nor indented."""
    renderer = getattr(request, "accepted_renderer", None)
    if not isinstance(renderer, JSONRenderer):
        return False
    return renderer.get_indent(request.accepted_media_type or "", {}) is None


def _json(page: Page, etags: ETags, text: str | None, **headers: str) -> HttpResponse:
    """Return the answer with a page; `conditional_page` makes it a 304 where there is no body."""
    headers["ETag"] = etags.of(page.tag)
    content = b"" if page.body is None else str(text).encode()
    return HttpResponse(content, content_type=JSONRenderer.media_type, headers=headers)


def _generation(request: Request) -> int | None:
    """Return the generation that the request's lease token has proved, None without one."""
    return request.auth.generation if isinstance(request.auth, Lease) else None
