"""A past of 30 days for each agent: rollouts, crashes, and what operators did."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agents.actors import AGENT, REGISTRY, STAFF, SWEEP
from agents.demo.teams import HOSTS, TEAMS, Team
from agents.models import AgentEvent
from agents.states import State, Status

Kind = AgentEvent.Kind
DAYS = 30
TTL = timedelta(seconds=60)
SWEEP_PAUSE = timedelta(seconds=15)
HOURS_BETWEEN_CRASHES = 24 * 12
MOST_CRASHES_RECOVER = 0.6
# Last night, everything on this host died. One agent never came back.
LOST_HOST, LOST_AGENT = "eu-node-04", "weather-7"
FLAPPING_AGENT = "crawler-3"


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


def make_agents(now: datetime, seed: int) -> list[Agent]:
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    agents = [
        _agent(team, number, now, draw) for team in TEAMS for number in range(1, team.size + 1)
    ]
    for agent in agents:
        _live(agent, now, draw)
    _lose_host(agents, now, draw)
    by_id = {agent.agent_id: agent for agent in agents}
    _flap(by_id[FLAPPING_AGENT], now)
    _operate(by_id, now)
    return agents


def _agent(team: Team, number: int, now: datetime, draw: random.Random) -> Agent:
    agent_id = f"{team.name}-{number}"
    host = LOST_HOST if agent_id == LOST_AGENT else draw.choice(HOSTS)
    began = now - timedelta(days=DAYS, seconds=-draw.uniform(0, 3600))
    busy = draw.random()
    return Agent(
        agent_id=agent_id,
        team=team,
        host=host,
        address=f"10.{HOSTS.index(host)}.{draw.randrange(1, 250)}.{draw.randrange(2, 250)}",
        registered_at=began,
        status=Status.BUSY if busy > 0.8 else Status.READY,  # noqa: PLR2004
        load=round(busy, 2),
        silent_for=draw.uniform(1, 19),
        version=team.version(DAYS),
    )


def _live(agent: Agent, now: datetime, draw: random.Random) -> None:
    """Give every agent rollouts, and crashes between them."""
    agent.register(agent.registered_at)
    begin = agent.registered_at
    for day, version in agent.team.versions[1:]:
        rollout = now - timedelta(days=day, hours=-draw.uniform(0, 2))
        _crash_now_and_then(agent, begin, rollout - timedelta(hours=1), draw)
        agent.stop(rollout)
        agent.version = version
        begin = rollout + timedelta(seconds=draw.uniform(2, 9))
        agent.register(begin)
    _crash_now_and_then(agent, begin, now - timedelta(days=1), draw)


def _crash_now_and_then(agent: Agent, begin: datetime, end: datetime, draw: random.Random) -> None:
    for at in _moments(begin, end, draw):
        if draw.random() < MOST_CRASHES_RECOVER:
            agent.pause(at, draw.uniform(1, 12))
        else:
            agent.register(agent.die(at) + timedelta(seconds=draw.uniform(20, 400)))


def _moments(begin: datetime, end: datetime, draw: random.Random) -> Iterator[datetime]:
    at = begin
    while (
        at := at + timedelta(hours=draw.expovariate(1 / HOURS_BETWEEN_CRASHES), minutes=30)
    ) < end:
        yield at


def _lose_host(agents: list[Agent], now: datetime, draw: random.Random) -> None:
    night = now.replace(hour=2, minute=41, second=0, microsecond=0)
    if night > now - timedelta(minutes=30):
        night -= timedelta(days=1)
    others = [host for host in HOSTS if host != LOST_HOST]
    for agent in agents:
        if agent.host != LOST_HOST or agent.events[-1]["at"] > night:
            continue
        purged = agent.die(night + timedelta(seconds=draw.uniform(0, 20)))
        if agent.agent_id == LOST_AGENT:
            agent.silent_for = None
            continue
        agent.host = draw.choice(others)
        agent.register(purged + timedelta(minutes=draw.uniform(2, 20)))


def _flap(agent: Agent, now: datetime) -> None:
    for minutes in range(170, 4, -14):
        agent.register(now - timedelta(minutes=minutes), again=True)
    agent.status, agent.note = Status.DEGRADED, "out of memory 12 times in three hours"


def _operate(agents: dict[str, Agent], now: datetime) -> None:
    drained, quarantined = agents["search-2"], agents["vision-4"]
    drained.state, drained.status, drained.load = State.DRAINING, Status.DRAINING, 0.12
    drained.event(
        Kind(State.DRAINING.event),
        now - timedelta(minutes=25),
        actor=f"{STAFF}grace",
        reason="moves to us-node-02",
    )
    quarantined.state = State.QUARANTINED
    quarantined.event(
        Kind(State.QUARANTINED.event),
        now - timedelta(hours=2),
        actor=f"{STAFF}linus",
        reason="empty captions since 1.4.1",
    )
    for agent_id, note in (
        ("billing-3", "the payment provider answers 503"),
        ("support-11", "model latency 9 s"),
    ):
        agents[agent_id].status, agents[agent_id].note = Status.DEGRADED, note
    agents["reports-5"].status = Status.STARTING
    agents["crawler-6"].silent_for = 43.0  # expires soon
