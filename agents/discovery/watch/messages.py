import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from agents.event_streams import encode_event
from agents.history.feed import Cursor


class Kind(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True)
class Message:
    """`agent`: its JSON, for ADDED and MODIFIED. `reason`: for DELETED."""

    kind: Kind
    position: int
    agent_id: str = ""
    agent: str = ""
    reason: str = ""

    @cached_property
    def as_json(self) -> str:
        parts = {"type": json.dumps(self.kind), "cursor": json.dumps(str(Cursor(self.position)))}
        if self.agent_id:
            parts["agent_id"] = json.dumps(self.agent_id)
        if self.reason:
            parts["reason"] = json.dumps(self.reason)
        if self.agent:
            parts["agent"] = self.agent
        return "{" + ", ".join(f'"{name}": {text}' for name, text in parts.items()) + "}"

    @cached_property
    def as_event(self) -> bytes:
        return encode_event(self.as_json, name=self.kind, event_id=str(Cursor(self.position)))
