"""Cards (A2A 1.0, section 4.4) as agents send them.

Never fetched, since agents could name any address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
        Skill(_skill_name(each), _text(each, "description"))
        for each in _list(source, "skills")
        if _skill_name(each)
    ]
    interfaces = [
        Interface(_text(each, "url"), _text(each, "protocolBinding") or _text(each, "transport"))
        for key in ("supportedInterfaces", "additionalInterfaces")
        for each in _list(source, key)
    ]
    if sent is not None and _text(sent, "url"):
        interfaces.insert(0, Interface(_text(sent, "url"), _text(sent, "preferredTransport")))
    return Card(
        name=_text(sent or {}, "name") or agent.agent_name,
        description=_text(source, "description"),
        version=_text(sent or {}, "version") or agent.version,
        is_whole=sent is not None,
        skills=skills or [Skill(name) for name in agent.skills],
        interfaces=[each for each in interfaces if each.url],
    )


def _skill_name(value: Any) -> str:
    return value if isinstance(value, str) else _text(value, "name") or _text(value, "id")


def _text(mapping: Any, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, str) else ""


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []
