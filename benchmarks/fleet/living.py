"""The simulated agents: each registers, and sends heartbeats at a third of its TTL."""

import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.calls import Calls, lease_token
from benchmarks.fleet.plan import JITTER, Plan
from benchmarks.fleet.tally import Tally
from benchmarks.wire.answers import header_of
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Answer, Pool

CROWD = 8  # concurrent registrations and deregistrations
# By how much a registration is delayed while heartbeats wait for a connection.
MANNERLY_SECONDS = 0.05
RETRY_SECONDS = 5.0
OK, CREATED, NOT_FOUND, CONFLICT = 200, 201, 404, 409


class Fleet:
    """The agents of a plan, driven by the turns of `poller`."""

    def __init__(self, plan: Plan, poller: Poller, address: Address, prefix: str) -> None:
        self.plan = plan
        self.poller = poller
        self.tally = Tally()
        self.calls = Calls(address, plan.token)
        self.beats = Pool(poller, address, plan.connections)
        self.crowd = Pool(poller, address, CROWD)
        self.random = random.Random(plan.seed)
        self.prefix = prefix
        self.agents = [self._agent(f"{prefix}{number}") for number in range(plan.agents)]
        self.registered = 0
        self._is_ending = False
        self._next_registration = time.monotonic()

    def begin(self) -> None:
        """Register all agents as fast as the registry accepts them; then they send heartbeats."""
        waiting = deque(self.agents)

        def next_one() -> None:
            if waiting:
                self.register(waiting.popleft(), done)

        def done(_agent: Agent) -> None:
            self.registered += 1
            next_one()

        for _ in range(CROWD):
            next_one()

    def end(self) -> None:
        """Deregister all living agents, and those still registering once they are registered."""
        self._is_ending = True
        living = deque(agent for agent in self.agents if agent.phase is Phase.LIVING)

        def next_one(_agent: Agent | None = None) -> None:
            while living:
                agent = living.popleft()
                if agent.phase is Phase.LIVING:
                    self.deregister(agent, next_one)
                    return

        for _ in range(CROWD):
            next_one()

    def register(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        """Register `agent`; `done` is called once it is registered."""
        agent.phase = Phase.REGISTERING
        now = time.monotonic()
        self._next_registration = max(now, self._next_registration + 1 / self.plan.registrations)
        if self._next_registration > now:
            self.poller.at(self._next_registration, partial(self._register, agent, done))
        else:
            self._register(agent, done)

    def deregister(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        agent.phase = Phase.STOPPING

        def answered(answer: Answer) -> None:
            self.tally.count("deregister", answer, [OK])
            agent.phase = Phase.STOPPED
            agent.stopped = answer.answered
            done(agent)

        self.crowd.ask(self.calls.deregister(agent.agent_id, agent.token), answered)

    def _agent(self, agent_id: str) -> Agent:
        agent = Agent(agent_id)
        agent.beat = partial(self._beat, agent)
        agent.beaten = partial(self._beaten, agent)
        return agent

    def _register(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        if self.beats.waiting:
            # Heartbeats of living agents take precedence.
            self.poller.after(MANNERLY_SECONDS, partial(self._register, agent, done))
            return
        registration = self.calls.register(agent.agent_id, self.plan.ttl)
        self.crowd.ask(registration, partial(self._registered, agent, done))

    def _registered(self, agent: Agent, done: Callable[[Agent], None], answer: Answer) -> None:
        if not self.tally.count("register", answer, [OK, CREATED]):
            self.poller.after(_pause(answer), partial(self.register, agent, done))
            return
        agent.token = lease_token(answer)
        agent.heartbeat = self.calls.heartbeat(agent.agent_id, agent.token)
        agent.renewed(answer.asked, answer.answered)
        agent.registered = answer.answered
        agent.phase = Phase.LIVING
        if self._is_ending:
            self.deregister(agent, _nothing)
            return
        # Randomized, so that agents that registered together do not stay in step.
        self._beat_at(agent, answer.answered + self.random.uniform(0.1, 1.0) * self.plan.interval)
        done(agent)

    def _beat_at(self, agent: Agent, when: float) -> None:
        agent.due = when
        self.poller.at(when, agent.beat)

    def _beat(self, agent: Agent) -> None:
        # The conditions skip timers set before a restart.
        if agent.phase is Phase.LIVING and not agent.under_way and time.monotonic() >= agent.due:
            agent.under_way = True
            self.beats.ask(agent.heartbeat, agent.beaten)

    def _beaten(self, agent: Agent, answer: Answer) -> None:
        agent.under_way = False
        is_living = agent.phase is Phase.LIVING
        # 404: the agent deregistered while the heartbeat was in flight.
        right = self.tally.count("heartbeat", answer, [OK] if is_living else [OK, NOT_FOUND])
        if answer.status:
            self.tally.latencies.append(answer.answered - agent.due)
        if not is_living:
            return
        if right:
            if not agent.may_not_be_gone(answer.answered, self.plan.ttl):
                self.tally.lapsed.add(agent.agent_id)
            agent.renewed(answer.asked, answer.answered)
            jittered = self.plan.interval * self.random.uniform(1 - JITTER, 1 + JITTER)
            self._beat_at(agent, max(agent.due + jittered, answer.answered))
        elif answer.status in (NOT_FOUND, CONFLICT):
            if answer.status == NOT_FOUND:
                self.tally.false_expiries.add(agent.agent_id)
            self.register(agent, _nothing)
        else:
            self._beat_at(agent, answer.answered + _pause(answer) * self.random.uniform(1, 1.2))


def _pause(answer: Answer) -> float:
    """Return the seconds to wait after a refusal or failure."""
    told = header_of(answer.content, b"retry-after") if answer.status else None
    return float(told) if told and told.isdigit() else RETRY_SECONDS


def _nothing(_agent: Agent) -> None:
    """Do nothing when registered or deregistered."""
