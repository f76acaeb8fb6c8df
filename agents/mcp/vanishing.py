"""Why an agent is not listed any more, from its record and its history."""

from typing import Any

from django.conf import settings

from agents.conditions import condition_of
from agents.history import feed
from agents.history.of_agent import History, describe_end, read_history
from agents.mcp.finding import AnId, as_json, find_record
from agents.mcp.tool import Arguments, Caller, Tool
from agents.models import AgentEvent, AgentRecord
from agents.querysets import read_at

SHOWN_EVENTS = 20


class WhyDidItVanish(Arguments):
    agent_id: AnId


def why_did_it_vanish(arguments: WhyDidItVanish, _caller: Caller) -> dict[str, Any]:
    agent_id = arguments.agent_id
    agent, history = find_record(agent_id), read_history(agent_id)
    return {
        "agent_id": agent_id,
        "answer": _of_record(agent, history) if agent else _of_history(agent_id, history),
        "is_listed": agent is not None and agent.is_alive(read_at(agent)),
        "newest_events": [_as_json(event) for event in history.events[:SHOWN_EVENTS]],
        "last_record": None if agent else as_json(feed.last_record(agent_id)),
    }


def _of_record(agent: AgentRecord, history: History) -> str:
    condition = condition_of(agent, read_at(agent), history.operator_event(agent))
    if agent.is_alive(read_at(agent)):
        return f"It has not vanished. It is {condition}."
    note = f", with the note {agent.note!r}" if agent.note else ""
    return (
        f"It is {condition}. It has ended without deregistering, hangs, or cannot reach the "
        f"registry. Its record is still there: its next heartbeat would bring it back. "
        f"Its last report was {str(agent.status)!r}{note}."
    )


def _of_history(agent_id: str, history: History) -> str:
    if not history.events:
        return (
            f"Nothing is known of {agent_id!r}: it has never registered, or not in the last "
            f"{settings.EVENT_RETENTION_DAYS} days. Search for its name with find_agents."
        )
    return describe_end(history)


def _as_json(event: AgentEvent) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "event": event.kind,
        "actor": event.actor,
        "reason": event.reason,
        "address": event.address,
    }


WHY_DID_IT_VANISH = Tool(
    name="why_did_it_vanish",
    title="Why did it vanish?",
    description="Why an agent is not listed any more: whether it died, left or was removed, when, "
    "by whom, and what it last reported. Works after its record is deleted, too.",
    arguments=WhyDidItVanish,
    call=why_did_it_vanish,
)
