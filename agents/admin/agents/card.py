"""What the registry knows of an agent's card (A2A 1.0, section 4.4), which it never asks for.

Asking would have the registry call whatever address an agent says to have. What is known is what
the agent has sent: its name, version and skills, the description in its metadata, and, where the
metadata holds the card itself, all that this says. Agents may say anything: what has another shape
than a card's is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.models import AgentRecord

# Under which of its keys the metadata may hold a card.
KEYS = ("agent_card", "agentCard", "card")
# What only a card has, of A2A 1.0 or of the versions before it.
MARKS = ("supportedInterfaces", "protocolVersion", "defaultInputModes")
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Skill:
    name: str
    description: str = ""


@dataclass(frozen=True)
class Interface:
    """`link`: the URL where it is one that a browser may be led to, else empty."""

    url: str
    binding: str = ""

    @property
    def link(self) -> str:
        return self.url if self.url.lower().startswith(WEB) else ""


@dataclass(frozen=True)
class Card:
    """`is_whole`: it was sent as a card, and not put together from what else was sent."""

    name: str
    description: str
    version: str
    is_whole: bool
    skills: list[Skill] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether anything is known that a card says and the record has no place for."""
        return bool(self.is_whole or self.description or self.skills)


def known_card(agent: AgentRecord) -> Card:
    sent = _sent_card(agent.metadata)
    said: Mapping[str, Any] = agent.metadata if sent is None else sent
    skills = [_skill(each) for each in _list(said, "skills") if _skill_name(each)]
    interfaces = [
        Interface(_text(each, "url"), _text(each, "protocolBinding") or _text(each, "transport"))
        for each in [*_list(said, "supportedInterfaces"), *_list(said, "additionalInterfaces")]
    ]
    if sent is not None and _text(sent, "url"):
        interfaces.insert(0, Interface(_text(sent, "url"), _text(sent, "preferredTransport")))
    return Card(
        name=_text(sent or {}, "name") or agent.agent_name,
        description=_text(said, "description"),
        version=_text(sent or {}, "version") or agent.version,
        is_whole=sent is not None,
        skills=skills or [Skill(name) for name in agent.skills],
        interfaces=[each for each in interfaces if each.url],
    )


def _sent_card(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for key in KEYS:
        held = metadata.get(key)
        if isinstance(held, dict) and held:
            return held
    return metadata if any(mark in metadata for mark in MARKS) else None


def _skill(said: Any) -> Skill:
    return Skill(_skill_name(said), _text(said, "description"))


def _skill_name(said: Any) -> str:
    return said if isinstance(said, str) else _text(said, "name") or _text(said, "id")


def _text(said: Any, key: str) -> str:
    value = said.get(key) if isinstance(said, dict) else None
    return value if isinstance(value, str) else ""


def _list(said: Mapping[str, Any], key: str) -> list[Any]:
    value = said.get(key)
    return value if isinstance(value, list) else []
