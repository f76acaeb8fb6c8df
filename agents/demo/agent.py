from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agents.actors import AGENT, REGISTRY, SWEEP
from agents.demo.teams import Team
from agents.models import AgentEvent
from agents.states import State, Status

Kind = AgentEvent.Kind
TTL = timedelta(seconds=60)
SWEEP_PAUSE = timedelta(seconds=15)


@dataclass
class Agent:
    """`silent_for`: seconds since its last heartbeat; None if the agent is gone."""

    agent_id: str
    team: Team
    host: str
    address: str
    registered_at: datetime
    state: State = State.ACTIVE
    status: Status = Status.READY
    load: float | None = None
    note: str = ""
    silent_for: float | None = 0.0
    version: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, Any]:
        """Return those of its record, except times and the generation."""
        return {
            "agent_name": self.agent_id,
            "host": self.host,
            "port": 8000,
            "version": self.version,
            "tags": [self.host[:2], *self.team.tags],
            "skills": list(self.team.skills),
            "metadata": {
                "team": self.team.name,
                "model": self.team.model,
                "description": self.team.description,
                "image": f"registry.example.com/{self.team.name}:{self.version}",
            },
            "state": self.state,
            "status": self.status,
            "load": self.load,
            "note": self.note,
            "seen_address": self.address,
            "ttl_seconds": int(TTL.total_seconds()),
        }

    def event(self, kind: Kind, at: datetime, *, actor: str = AGENT, **more: Any) -> None:
        self.events.append(
            {"agent_id": self.agent_id, "kind": kind, "at": at, "actor": actor, **more}
        )

    def register(self, at: datetime, *, again: bool = False) -> None:
        kind = Kind.RE_REGISTERED if again else Kind.REGISTERED
        if not again:
            self.registered_at = at
        self.event(kind, at, address=self.address)

    def stop(self, at: datetime) -> None:
        self.event(Kind.DEREGISTERED, at, reason="stopped", record=self._last(at))

    def die(self, at: datetime) -> datetime:
        """Return when its record is purged."""
        expired, purged = at + TTL, at + TTL + SWEEP_PAUSE
        reason = f"no heartbeat for {TTL.total_seconds():.0f} s"
        self.event(Kind.EXPIRED, expired, actor=REGISTRY, reason=reason)
        self.event(Kind.PURGED, purged, actor=SWEEP, reason=reason, record=self._last(at))
        return purged

    def pause(self, at: datetime, seconds: float) -> None:
        """Miss heartbeats for longer than the lease, and come back."""
        reason = f"no heartbeat for {TTL.total_seconds():.0f} s"
        self.event(Kind.EXPIRED, at + TTL, actor=REGISTRY, reason=reason)
        self.event(Kind.RECOVERED, at + TTL + timedelta(seconds=seconds), actor=REGISTRY)

    def _last(self, at: datetime) -> dict[str, Any]:
        times = {"last_heartbeat": at, "registered_at": self.registered_at}
        return self.columns | {name: time.isoformat() for name, time in times.items()}
