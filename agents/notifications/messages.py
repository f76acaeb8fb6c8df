"""Messages: JSON as in Standard Webhooks, and texts for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from agents.history.feed import Cursor
from agents.models import AgentEvent, HeldEvent
from agents.notifications.events import SUMMARY, TEST, type_of

# Not by `reverse`, which would load the whole admin into the worker.
HISTORY = "/admin/agents/agentevent/"
MOST_IN_SUMMARY = 100
MOST_IN_TEXT = 20
FIELDS_IN_TEXT = ("agent_name", "host", "port", "version", "tags")

Agent = Mapping[str, Any] | None


@dataclass(frozen=True)
class Message:
    """`agent_id`: "" if it is about several, or the registry."""

    type: str
    agent_id: str
    body: str


@dataclass(frozen=True)
class Text:
    title: str
    body: str


def of_event(event: AgentEvent, agent: Agent, rule: str) -> Message:
    data = {
        "rule": rule,
        "event": _event(event),
        "agent": agent,
        "url": _url(agent_id__exact=event.agent_id) if event.agent_id else _url(),
    }
    return _message(type_of(event), event.agent_id, event.at, data)


def of_summary(
    events: Sequence[AgentEvent], kinds: Mapping[str, int], now: datetime, rule: str, why: str
) -> Message:
    """`events`: the first MOST_IN_SUMMARY. `kinds`: how many of each."""
    data = {
        "rule": rule,
        "why": HeldEvent.Why(why).label,
        "count": sum(kinds.values()),
        "kinds": kinds,
        "events": [_event(event) for event in events],
        "url": _url(),
    }
    return _message(SUMMARY, "", now, data)


def of_test(now: datetime, channel: str) -> Message:
    data = {"channel": channel, "text": "A test of this channel.", "url": settings.REGISTRY_URL}
    return _message(TEST, "", now, data)


def as_text(message_type: str, body: str) -> Text:
    """Return a message's body as text for people."""
    data = json.loads(body)["data"]
    if message_type == TEST:
        return Text(f"Test of {data['channel']}", f"{data['text']}\n{data['url']}")
    if message_type == SUMMARY:
        return _summary_text(data)
    event, agent = data["event"], data["agent"] or {}
    subject = event["agent_id"] or "Registry"
    facts = {name: agent.get(name) for name in FIELDS_IN_TEXT}
    lines = [
        f"{event['at']}, by {event['actor']}",
        event["reason"],
        *(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in facts.items() if value),
        f"rule: {data['rule']}",
        data["url"],
    ]
    return Text(f"{subject}: {event['kind']}", "\n".join(filter(None, lines)))


def _summary_text(data: Mapping[str, Any]) -> Text:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in data["kinds"].items())
    shown = data["events"][:MOST_IN_TEXT]
    left = data["count"] - len(shown)
    lines = [
        f"{data['why'].capitalize()}, rule: {data['rule']}",
        *(f"{one['at']} {one['agent_id'] or 'registry'}: {one['kind']}" for one in shown),
        f"and {left:,} more" if left else "",
        data["url"],
    ]
    return Text(kinds, "\n".join(filter(None, lines)))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _event(event: AgentEvent) -> dict[str, Any]:
    return {
        "cursor": str(Cursor(event.pk)),
        "agent_id": event.agent_id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "reason": event.reason,
        "actor": event.actor,
        "generation": event.generation,
    }


def _message(message_type: str, agent_id: str, at: datetime, data: Any) -> Message:
    body = {"type": message_type, "timestamp": at.isoformat(), "data": data}
    return Message(message_type, agent_id, json.dumps(body))


def _url(**parameters: str) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{settings.REGISTRY_URL}{HISTORY}{query}"
