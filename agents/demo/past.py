"""A past of 30 days for each agent: rollouts, crashes, and what operators did."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from agents.actors import STAFF
from agents.demo.agent import Agent
from agents.demo.teams import HOSTS, TEAMS, Team
from agents.models import AgentEvent
from agents.states import State, Status

Kind = AgentEvent.Kind
DAYS = 30
HOURS_BETWEEN_CRASHES = 24 * 12
MOST_CRASHES_RECOVER = 0.6
# Last night, everything on this host died. One agent never came back.
LOST_HOST, LOST_AGENT = "eu-node-04", "weather-7"
FLAPPING_AGENT = "crawler-3"


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
