from typing import Any

from agents.mcp.draining import DRAIN_AGENT
from agents.mcp.finding import FIND_AGENTS, GET_AGENT
from agents.mcp.summary import FLEET_SUMMARY
from agents.mcp.tool import Caller, Tool
from agents.mcp.vanishing import WHY_DID_IT_VANISH

TOOLS: list[Tool[Any]] = [
    FIND_AGENTS,
    GET_AGENT,
    WHY_DID_IT_VANISH,
    FLEET_SUMMARY,
    DRAIN_AGENT,
]


def tools_for(caller: Caller) -> dict[str, Tool[Any]]:
    return {one.name: one for one in TOOLS if caller.may_operate or not one.is_for_operators}
