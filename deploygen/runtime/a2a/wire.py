from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..jobs import State
from .content import JSON_TYPE, TEXT_TYPE

Kind = Literal["task", "statusUpdate", "artifactUpdate"]


@dataclass(frozen=True)
class Wire:
    """How a version of A2A writes JSON (section 4)."""

    version: str
    states: Mapping[State, str]
    agent: str
    has_kinds: bool = False
    end: Mapping[str, Any] = field(default_factory=dict)

    def part(self, kind: Literal["text", "data"], content: bytes) -> bytes:
        media_type = TEXT_TYPE if kind == "text" else JSON_TYPE
        return b'{"%s": %s, "mediaType": "%s"}' % (kind.encode(), content, media_type.encode())

    def labelled(self, kind: str, members: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": kind, **members} if self.has_kinds else dict(members)

    def message(self, message: bytes) -> bytes:
        """`message`: as in 1.0."""
        return message

    def streamed(self, kind: Kind, event: bytes) -> bytes:
        return b'{"%s": %s}' % (kind.encode(), event)


V1 = Wire(
    version="1.0",
    states={
        "running": "TASK_STATE_WORKING",
        "done": "TASK_STATE_COMPLETED",
        "failed": "TASK_STATE_FAILED",
        "cancelled": "TASK_STATE_CANCELED",
    },
    agent="ROLE_AGENT",
)
