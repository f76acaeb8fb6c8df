"""What the OpenAPI document says beyond what it reads off the views."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from agents.api.fields import ID_PATTERN
from agents.api.pagination import PageQuerySerializer
from agents.api.serializers import (
    AgentSerializer,
    DeregisteredSerializer,
    HeartbeatSerializer,
    ListingQuerySerializer,
    ProblemSerializer,
    RegisteredAgentSerializer,
    RegistrationSerializer,
    RenewedSerializer,
)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
AGENT_ID = OpenApiParameter(
    "agent_id", {"type": "string", "pattern": f"^{ID_PATTERN}$"}, OpenApiParameter.PATH
)
LEASE_TOKEN = OpenApiParameter(
    "Lease-Token",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="From the answer to the registration. With it, a newer registration of the same "
    "id is told apart (409).",
)


def answers(*problems: int, **answers: Any) -> dict[Any, Any]:
    """Return the responses of a call; 503 is always one of them."""
    found: dict[Any, Any] = {(int(name[1:]), JSON): shape for name, shape in answers.items()}
    return found | {(status, PROBLEM_JSON): ProblemSerializer for status in (*problems, 503)}


def without_slashes(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Name each call without the slash at its end, which callers may leave out or write."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


of_agents = extend_schema_view(
    list=extend_schema(
        operation_id="list_agents",
        summary="The agents that are alive",
        description="Ordered by id. Where there are more than `limit`, the header "
        '`Link: <...>; rel="next"` leads to the next page. With `If-None-Match`, an unchanged '
        "page is answered with 304.",
        parameters=[ListingQuerySerializer, PageQuerySerializer],
        responses=answers(422, _200=AgentSerializer(many=True)),
        filters=False,
    ),
    retrieve=extend_schema(
        operation_id="get_agent",
        summary="One agent, alive or not",
        parameters=[AGENT_ID],
        responses=answers(404, _200=AgentSerializer),
    ),
    register=extend_schema(
        operation_id="register_agent",
        summary="Register, or register again",
        description="Starts a lease of `ttl_seconds`, and a new generation of it: an older "
        "process with the same id cannot renew any more.",
        request=RegistrationSerializer,
        responses=answers(
            *(400, 411, 413, 415, 422),
            _201=RegisteredAgentSerializer,
            _200=RegisteredAgentSerializer,
        ),
    ),
    heartbeat=extend_schema(
        operation_id="heartbeat",
        summary="Renew a lease",
        description="404: register again. 409: a newer registration holds the id.",
        parameters=[AGENT_ID, LEASE_TOKEN],
        request=HeartbeatSerializer,
        responses=answers(*(400, 403, 404, 409, 411, 413, 415, 422), _200=RenewedSerializer),
    ),
    destroy=extend_schema(
        operation_id="deregister_agent",
        summary="Deregister",
        parameters=[AGENT_ID, LEASE_TOKEN],
        responses=answers(403, 404, 409, _200=DeregisteredSerializer),
    ),
)
