from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Required, TypedDict

from agents.models import DEFAULT_TTL_SECONDS
from agents.states import Status
from agents.tokens.enrollment import Enrolment


class Fields(TypedDict, total=False):
    agent_id: Required[str]
    host: Required[str]
    port: Required[int]
    agent_name: str
    ttl_seconds: int
    metadata: Mapping[str, Any] | None
    version: str
    tags: Sequence[str]
    skills: Sequence[str]
    status: str
    agent_card: Mapping[str, Any] | None


class Application(NamedTuple):
    """A registration to be written. `fields`: of type `Fields`."""

    fields: Mapping[str, Any]
    address: str | None
    enrolment: Enrolment

    @property
    def agent_id(self) -> str:
        return str(self.fields["agent_id"])

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.fields.get("agent_card")

    def columns(self) -> dict[str, Any]:
        """Reset what the agent does not send."""
        fields = self.fields
        return {
            "agent_id": fields["agent_id"],
            "agent_name": fields.get("agent_name") or fields["agent_id"],
            "host": fields["host"],
            "port": fields["port"],
            "ttl_seconds": fields.get("ttl_seconds", DEFAULT_TTL_SECONDS),
            "metadata": dict(fields.get("metadata") or {}),
            "version": fields.get("version", ""),
            "tags": list(fields.get("tags", ())),
            "skills": list(fields.get("skills", ())),
            "status": str(fields.get("status", Status.UNKNOWN)),
            "load": None,
            "note": "",
            "seen_address": self.address,
            "enrolled_by": self.enrolment.token,
        }
