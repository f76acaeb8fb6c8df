from typing import Any

from pydantic import Field

from agents import leases
from agents.mcp.finding import AnId
from agents.mcp.tool import Arguments, Caller, Tool, ToolRefused
from agents.models.limits import MAX_REASON_LENGTH
from agents.states import State


class DrainAgent(Arguments):
    agent_id: AnId
    reason: str = Field(
        default="", max_length=MAX_REASON_LENGTH, description="Why, for the history."
    )


def drain_agent(arguments: DrainAgent, caller: Caller) -> dict[str, Any]:
    if not caller.may_operate:
        raise ToolRefused("You may not drain agents.")
    try:
        changed = leases.set_state(
            agent_id=arguments.agent_id,
            state=State.DRAINING,
            actor=caller.actor,
            reason=arguments.reason,
        )
    except leases.UnknownAgent as error:
        raise ToolRefused(f"There is no agent {arguments.agent_id!r}.") from error
    return {"agent_id": arguments.agent_id, "state": State.DRAINING.value, "changed": changed}


DRAIN_AGENT = Tool(
    name="drain_agent",
    title="Drain an agent",
    description="Let an agent finish its work without new work: it is not picked any more, and the "
    "response to its next heartbeat says so. It stays listed. An operator can undo this in the "
    "admin.",
    arguments=DrainAgent,
    call=drain_agent,
    is_for_operators=True,
)
