from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from agents import agent_ids
from agents.api.serializers import (
    ChangeSerializer,
    ChangesSerializer,
    DeregisteredSerializer,
    ProblemSerializer,
)
from agents.api.watch import WatchSerializer
from agents.discovery.catalog.entries import AGENT_CARD
from agents.discovery.pages import PageSerializer
from agents.discovery.parameters import FiltersSerializer, ListedAgentsSerializer
from agents.discovery.pick import PickSerializer
from agents.heartbeats.serializers import (
    HeartbeatSerializer,
    ManyHeartbeatsSerializer,
    ManyRenewedSerializer,
    RenewedSerializer,
)
from agents.problems.details import MEDIA_TYPE as PROBLEM_JSON
from agents.registrations.serializers import RegistrationSerializer
from agents.serializers.agent import (
    AgentSerializer,
    DetailedAgentSerializer,
    RegisteredAgentSerializer,
)

JSON = "application/json"
AGENT_ID = OpenApiParameter(
    "agent_id", {"type": "string", "pattern": f"^{agent_ids.PATTERN}$"}, OpenApiParameter.PATH
)
ANY_OBJECT = {"type": "object", "additionalProperties": {}}

METADATA = OpenApiParameter(
    "meta.KEY",
    {"type": "object", "additionalProperties": {"type": "string"}},
    description="Only agents whose metadata has this value under KEY, such as `meta.region=eu`; "
    "given several times, any of the values. `1` and `true` also match the number and the "
    "boolean. `meta.gpu.count` matches the member `count` of `gpu`, or a key of this name.",
    explode=True,
    style="form",
)


def answers(*problems: int, **answers: Any) -> dict[Any, Any]:
    """Return responses: `answers` by status (``_200=``), Problem Details for `problems` and 503."""
    found: dict[Any, Any] = {(int(name[1:]), JSON): shape for name, shape in answers.items()}
    return found | {(status, PROBLEM_JSON): ProblemSerializer for status in (*problems, 503)}


of_agents = extend_schema_view(
    list=extend_schema(
        operation_id="list_agents",
        summary="The agents that are alive",
        description="Agents that match all filters, by default ordered by id. If there are more "
        'than `limit`, the header `Link: <...>; rel="next"` leads to the next page. With '
        "`If-None-Match`, an unchanged page is answered with 304; each heartbeat of an agent on it "
        "changes it, unless `fields` leaves out what heartbeats change.",
        parameters=[ListedAgentsSerializer, METADATA, PageSerializer],
        responses=answers(401, 403, 422, _200=AgentSerializer(many=True)),
        filters=False,
    ),
    pick=extend_schema(
        operation_id="pick_agent",
        summary="One agent that takes work",
        description="Chooses two random agents that match all filters, and returns the one that "
        "reports less load, where no report counts as 0.5. It never returns agents that are "
        "expired, draining or quarantined, or that report to be starting, degraded or draining. "
        "404: there is no such agent at the moment.",
        parameters=[FiltersSerializer, METADATA, PickSerializer],
        responses=answers(401, 403, 404, 422, _200=AgentSerializer),
    ),
    watch=extend_schema(
        operation_id="watch_agents",
        summary="Changes of the agents that match",
        description="Server-sent events, named ADDED, MODIFIED, DELETED and BOOKMARK. Their data "
        "is a change as JSON, their id its cursor. With `wait`, or if only JSON is accepted, the "
        "answer has the changes after `since`: as soon as there are any, or none after that many "
        "seconds. "
        "`status` and `condition` cannot be watched. 410: the cursor is too old; list the agents "
        "again, and go on from the header `Registry-Cursor` of that answer.",
        parameters=[ListedAgentsSerializer, METADATA, WatchSerializer],
        responses=answers(401, 403, 410, 422, _200=ChangesSerializer)
        | {(200, "text/event-stream"): ChangeSerializer},
    ),
    retrieve=extend_schema(
        operation_id="get_agent",
        summary="One agent, alive or not",
        description="With `If-None-Match`, 304 until its next heartbeat, or the end of its lease.",
        parameters=[AGENT_ID],
        responses=answers(401, 403, 404, _200=DetailedAgentSerializer),
    ),
    card=extend_schema(
        operation_id="get_card",
        summary="The A2A card of one agent, alive or not",
        description="As it came with the agent's last registration.",
        parameters=[AGENT_ID],
        responses=answers(401, 403, 404) | {(200, AGENT_CARD): ANY_OBJECT},
    ),
    register=extend_schema(
        operation_id="register_agent",
        summary="Register, or register again",
        description="Starts a lease of `ttl_seconds` with a new generation: an older process "
        "with the same id can no longer renew. 403: the access token does not allow this id, or "
        "has as many agents as it may have. 409: the id belongs to an agent that is alive and was "
        "registered by another token.",
        request=RegistrationSerializer,
        responses=answers(
            400,
            401,
            403,
            409,
            411,
            413,
            415,
            422,
            _201=RegisteredAgentSerializer,
            _200=RegisteredAgentSerializer,
        ),
    ),
    heartbeat=extend_schema(
        operation_id="heartbeat",
        summary="Renew a lease",
        description="404: register again. 409: a newer registration holds the id. 401: a lease "
        "token is needed, and none was sent. 403: it is wrong.",
        parameters=[AGENT_ID],
        request=HeartbeatSerializer,
        responses=answers(400, 401, 403, 404, 409, 411, 413, 415, 422, _200=RenewedSerializer),
    ),
    heartbeat_many=extend_schema(
        operation_id="heartbeat_many",
        summary="Renew many leases",
        description="For a program that acts for many agents, such as a sidecar: up to 1,000 "
        "leases, each with its own token. Each is judged by itself; a bad one does not affect the "
        "others. It carries no reports of the agents.",
        request=ManyHeartbeatsSerializer,
        responses=answers(400, 403, 411, 413, 415, 422, _200=ManyRenewedSerializer),
    ),
    destroy=extend_schema(
        operation_id="deregister_agent",
        summary="Deregister",
        description="The agent is no longer listed; its history stays. 409: a newer registration "
        "holds the id. 403: the lease token is wrong.",
        parameters=[AGENT_ID],
        responses=answers(401, 403, 404, 409, _200=DeregisteredSerializer),
    ),
)
