"""Cards (A2A 1.0, section 4.4) as agents send them.

Never fetched, since agents could name any address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.json_values import list_at, text_at
from agents.leases import card_of
from agents.models import AgentRecord, card_in

WEB_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Skill:
    name: str
    description: str = ""


@dataclass(frozen=True)
class Interface:
    url: str
    binding: str = ""

    @property
    def link(self) -> str:
        """ "" if it is not safe to open in a browser."""
        return self.url if self.url.lower().startswith(WEB_SCHEMES) else ""


@dataclass(frozen=True)
class Card:
    name: str
    description: str
    version: str
    is_whole: bool
    skills: list[Skill] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return bool(self.is_whole or self.description or self.skills)


def known_card(agent: AgentRecord) -> Card:
    sent = card_of(agent.agent_id) or card_in(agent.metadata)
    source: Mapping[str, Any] = agent.metadata if sent is None else sent
    skills = [
        Skill(_skill_name(each), text_at(each, "description"))
        for each in list_at(source, "skills")
        if _skill_name(each)
    ]
    interfaces = [
        Interface(
            text_at(each, "url"), text_at(each, "protocolBinding") or text_at(each, "transport")
        )
        for key in ("supportedInterfaces", "additionalInterfaces")
        for each in list_at(source, key)
    ]
    if sent is not None and text_at(sent, "url"):
        interfaces.insert(0, Interface(text_at(sent, "url"), text_at(sent, "preferredTransport")))
    return Card(
        name=text_at(sent or {}, "name") or agent.agent_name,
        description=text_at(source, "description"),
        version=text_at(sent or {}, "version") or agent.version,
        is_whole=sent is not None,
        skills=skills or [Skill(name) for name in agent.skills],
        interfaces=[each for each in interfaces if each.url],
    )


def _skill_name(value: Any) -> str:
    return value if isinstance(value, str) else text_at(value, "name") or text_at(value, "id")
