import json
from typing import Annotated, Any

from django.http import QueryDict
from pydantic import Field

from agents import agent_ids
from agents.conditions import WORDS, condition_of, with_probes
from agents.discovery.pages import read_page_query
from agents.discovery.parameters import filter_agents
from agents.history.of_agent import operator_event
from agents.leases import card_of
from agents.mcp.tool import Arguments, Caller, Tool, ToolRefused
from agents.models import AgentRecord
from agents.querysets import read_at
from agents.serializers.agent import AgentSerializer
from agents.serializers.cached import represent
from agents.states import State, Status

MOST_AGENTS = 100
# Metadata may be long; get_agent has it.
LISTED = (
    "agent_id",
    "agent_name",
    "host",
    "port",
    "is_alive",
    "last_heartbeat",
    "expires_at",
    "version",
    "tags",
    "skills",
    "state",
    "status",
    "load",
    "note",
)

Texts = list[str]
AnId = Annotated[
    str, Field(description="The agent's id, such as weather-1.", pattern=f"^{agent_ids.PATTERN}$")
]


class FindAgents(Arguments):
    skill: Texts = Field(default=[], description="Has all of these skills.")
    tag: Texts = Field(default=[], description="Has all of these tags.")
    name: Texts = Field(default=[], description="Has one of these names.")
    version: Texts = Field(
        default=[], description="Has one of these versions, or is in a range such as >=1.2,<2."
    )
    host: Texts = Field(default=[], description="Is on one of these hosts.")
    status: Texts = Field(default=[], description=f"Reports one of: {', '.join(Status)}.")
    state: Texts = Field(default=[], description=f"An operator set one of: {', '.join(State)}.")
    condition: Texts = Field(
        default=[],
        description="The worst of its lease, state, report and probe is one of: "
        f"{', '.join(WORDS)}.",
    )
    metadata: dict[str, str] = Field(
        default={}, description='Values by key, such as {"region": "eu", "gpu.count": "2"}.'
    )
    search: Texts = Field(default=[], description="All of these are in its id, name or host.")
    include_dead: bool = Field(
        default=False, description="Also agents that have expired and are not deleted yet."
    )
    sort: str = Field(default="agent_id", description='Fields, such as "load" or "host,-load".')
    limit: int = Field(default=20, ge=1, le=MOST_AGENTS)


class GetAgent(Arguments):
    agent_id: AnId


def find_agents(arguments: FindAgents, _caller: Caller) -> dict[str, Any]:
    parameters = QueryDict(mutable=True)
    for name, values in arguments.model_dump(include=set(_filters())).items():
        parameters.setlist(name, values)
    for key, value in arguments.metadata.items():
        parameters[f"meta.{key}"] = value
    if arguments.include_dead:
        parameters["include_dead"] = "true"
    parameters["sort"], parameters["limit"] = arguments.sort, str(arguments.limit)
    parameters["fields"] = ",".join(LISTED)
    page = read_page_query(parameters).read(filter_agents(AgentRecord.objects.all(), parameters))
    return {"agents": json.loads(f"[{page.body}]"), "there_are_more": page.next_after is not None}


def get_agent(arguments: GetAgent, _caller: Caller) -> dict[str, Any]:
    agent = find_record(arguments.agent_id)
    if agent is None:
        raise ToolRefused(f"There is no agent {arguments.agent_id!r}. Try why_did_it_vanish.")
    condition = condition_of(agent, read_at(agent), operator_event(agent))
    return {
        "agent": as_json(represent(AgentSerializer, agent)),
        "agent_card": card_of(agent.agent_id),
        "condition": condition.word,
        "because": condition.reason,
        "facts": {fact.source: f"{fact.word}: {fact.reason}" for fact in condition.facts},
    }


def find_record(agent_id: str) -> AgentRecord | None:
    return with_probes(AgentRecord.objects.with_read_at()).filter(pk=agent_id).first()


def as_json(value: Any) -> Any:
    """Return it as other programs get it: times are text."""
    return json.loads(json.dumps(value, default=str))


def _filters() -> list[str]:
    others = {"metadata", "include_dead", "sort", "limit"}
    return [name for name in FindAgents.model_fields if name not in others]


FIND_AGENTS = Tool(
    name="find_agents",
    title="Find agents",
    description="Which agents are alive, where, and what they can do. All filters must match.",
    arguments=FindAgents,
    call=find_agents,
)
GET_AGENT = Tool(
    name="get_agent",
    title="Get an agent",
    description="Everything about one agent: its record, its A2A card, its condition and why.",
    arguments=GetAgent,
    call=get_agent,
)
