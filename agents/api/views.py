"""The endpoints below /agents: thin views over `agents.leases` and `agents.querysets`."""

from django.conf import settings
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from agents import agent_ids, leases
from agents.api import documentation
from agents.api.authentication import (
    AccessTokenAuthentication,
    Lease,
    LeaseTokenAuthentication,
    address_of,
)
from agents.api.calls import StrictCalls
from agents.api.discovery import PARAMETERS, Discovery
from agents.api.permissions import (
    MayDeregister,
    MayHeartbeat,
    MayRead,
    MayRegister,
    actor_of,
    enrolment_of,
)
from agents.heartbeats.bulk import admit_many, bulk_answer
from agents.heartbeats.serializers import (
    HeartbeatSerializer,
    ManyHeartbeatsSerializer,
    RenewedSerializer,
)
from agents.metrics import counters
from agents.registrations.admission import IS_COUNTED, count_agent
from agents.registrations.serializers import RegistrationSerializer
from agents.serializers.agent import RegisteredAgentSerializer
from agents.serializers.cached import represent, validate

LEASE_ACTIONS = ("heartbeat", "destroy")
PERMISSIONS: dict[str, type[BasePermission]] = {
    "register": MayRegister,
    "heartbeat": MayHeartbeat,
    "heartbeat_many": AllowAny,
    "destroy": MayDeregister,
}


@documentation.of_agents
class AgentViewSet(StrictCalls, Discovery):
    """Which agents live, where, and what they can do."""

    lookup_field = "agent_id"
    lookup_value_regex = agent_ids.PATTERN
    parameters = PARAMETERS

    def get_authenticators(self) -> list[BaseAuthentication]:
        action = self._requested_action()
        if action == "heartbeat_many":
            return [SessionAuthentication()]  # the lease tokens are in the body
        first = LeaseTokenAuthentication if action in LEASE_ACTIONS else AccessTokenAuthentication
        return [first(), SessionAuthentication()]

    def get_permissions(self) -> list[BasePermission]:
        return [PERMISSIONS.get(self._requested_action() or "", MayRead)()]

    def _requested_action(self) -> str | None:
        # Only the OpenAPI generator, which has no request, has set `action` by now.
        method = getattr(self.request, "method", None)
        if method is None:
            return self.action
        return self.action_map.get("post" if method == "OPTIONS" else method.lower())

    def max_body_bytes(self) -> int:
        is_bulk = self.action == "heartbeat_many"
        return settings.MAX_BULK_BODY_BYTES if is_bulk else settings.MAX_BODY_BYTES

    @action(detail=False, methods=["post"])
    def register(self, request: Request) -> Response:
        registration = validate(RegistrationSerializer, request.data)
        agent_id = registration["agent_id"]
        enrolment = enrolment_of(request, agent_id)
        if IS_COUNTED not in request.META:
            count_agent(agent_id)
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
        with counters.HEARTBEAT_SECONDS.time():
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
        admitted = admit_many(call["agents"], address_of(request))
        with counters.HEARTBEAT_SECONDS.time():
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


def _generation(request: Request) -> int | None:
    return request.auth.generation if isinstance(request.auth, Lease) else None
