from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Heartbeats change these without an event.
REPORTED = frozenset({"last_heartbeat", "expires_at", "status", "load", "note", "seen_address"})


@dataclass(frozen=True)
class Agent:
    """`record`: all that the registry has sent, with fields that this version does not know.

    `state` is set by an operator; `status`, `load` and `note` are the agent's own report.
    """

    agent_id: str
    agent_name: str
    host: str
    port: int
    is_alive: bool
    last_heartbeat: datetime
    expires_at: datetime
    version: str
    tags: tuple[str, ...]
    skills: tuple[str, ...]
    metadata: Mapping[str, Any]
    state: str
    status: str
    load: float | None
    note: str
    record: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Agent":
        """Raise ValueError if it is not an agent."""
        try:
            return cls(
                agent_id=_text(record["agent_id"]),
                agent_name=_text(record["agent_name"]),
                host=_text(record["host"]),
                port=int(record["port"]),
                is_alive=bool(record["is_alive"]),
                last_heartbeat=datetime.fromisoformat(record["last_heartbeat"]),
                expires_at=datetime.fromisoformat(record["expires_at"]),
                version=_text(record["version"]),
                tags=tuple(record["tags"]),
                skills=tuple(record["skills"]),
                metadata=dict(record["metadata"]),
                state=_text(record["state"]),
                status=_text(record["status"]),
                load=None if record["load"] is None else float(record["load"]),
                note=_text(record["note"]),
                record=record,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an agent: {error!r}") from error

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def is_same(self, other: "Agent") -> bool:
        """Whether only what heartbeats change differs."""
        return _unreported(self.record) == _unreported(other.record)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _unreported(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in REPORTED}
