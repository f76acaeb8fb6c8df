"""The simulated agents: each registers, and sends heartbeats at a third of its TTL."""

import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.agent_requests import AgentRequests, lease_token
from benchmarks.fleet.plan import JITTER, Plan
from benchmarks.fleet.results import Results
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response
from benchmarks.wire.responses import header_of

CONCURRENT_REGISTRATIONS = 8  # and deregistrations
# By how much a registration is delayed while heartbeats wait for a connection.
REGISTRATION_DELAY_SECONDS = 0.05
RETRY_SECONDS = 5.0
OK, CREATED, NOT_FOUND, CONFLICT = 200, 201, 404, 409


class Fleet:
    def __init__(self, plan: Plan, poller: Poller, address: Address, prefix: str) -> None:
        self.plan = plan
        self.poller = poller
        self.results = Results()
        self.requests = AgentRequests(address, plan.token)
        self.heartbeat_pool = Pool(poller, address, plan.connections)
        self.registration_pool = Pool(poller, address, CONCURRENT_REGISTRATIONS)
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

        for _ in range(CONCURRENT_REGISTRATIONS):
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

        for _ in range(CONCURRENT_REGISTRATIONS):
            next_one()

    def register(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        agent.phase = Phase.REGISTERING
        now = time.monotonic()
        self._next_registration = max(now, self._next_registration + 1 / self.plan.registrations)
        if self._next_registration > now:
            self.poller.at(self._next_registration, partial(self._register, agent, done))
        else:
            self._register(agent, done)

    def deregister(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        agent.phase = Phase.STOPPING

        def on_response(response: Response) -> None:
            self.results.count("deregister", response, [OK])
            agent.phase = Phase.STOPPED
            agent.stopped = response.received
            done(agent)

        self.registration_pool.send(
            self.requests.deregister(agent.agent_id, agent.token), on_response
        )

    def _agent(self, agent_id: str) -> Agent:
        agent = Agent(agent_id)
        agent.send_heartbeat = partial(self._send_heartbeat, agent)
        agent.handle_response = partial(self._handle_heartbeat_response, agent)
        return agent

    def _register(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        if self.heartbeat_pool.waiting:
            # Heartbeats of living agents take precedence.
            self.poller.after(REGISTRATION_DELAY_SECONDS, partial(self._register, agent, done))
            return
        registration = self.requests.register(agent.agent_id, self.plan.ttl)
        self.registration_pool.send(registration, partial(self._registered, agent, done))

    def _registered(self, agent: Agent, done: Callable[[Agent], None], response: Response) -> None:
        if not self.results.count("register", response, [OK, CREATED]):
            self.poller.after(_pause(response), partial(self.register, agent, done))
            return
        agent.token = lease_token(response)
        agent.heartbeat = self.requests.heartbeat(agent.agent_id, agent.token)
        agent.renewed(response.sent, response.received)
        agent.registered = response.received
        agent.phase = Phase.LIVING
        if self._is_ending:
            self.deregister(agent, _do_nothing)
            return
        # Randomized, so that agents that registered together do not stay in step.
        self._schedule_heartbeat(
            agent, response.received + self.random.uniform(0.1, 1.0) * self.plan.interval
        )
        done(agent)

    def _schedule_heartbeat(self, agent: Agent, when: float) -> None:
        agent.due = when
        self.poller.at(when, agent.send_heartbeat)

    def _send_heartbeat(self, agent: Agent) -> None:
        # The conditions skip timers set before a restart.
        if agent.phase is Phase.LIVING and not agent.in_flight and time.monotonic() >= agent.due:
            agent.in_flight = True
            self.heartbeat_pool.send(agent.heartbeat, agent.handle_response)

    def _handle_heartbeat_response(self, agent: Agent, response: Response) -> None:
        agent.in_flight = False
        is_living = agent.phase is Phase.LIVING
        # 404: the agent deregistered while the heartbeat was in flight.
        right = self.results.count("heartbeat", response, [OK] if is_living else [OK, NOT_FOUND])
        if response.status:
            self.results.latencies.append(response.received - agent.due)
        if not is_living:
            return
        if right:
            if not agent.must_be_alive(response.received, self.plan.ttl):
                self.results.lapsed.add(agent.agent_id)
            agent.renewed(response.sent, response.received)
            jittered = self.plan.interval * self.random.uniform(1 - JITTER, 1 + JITTER)
            self._schedule_heartbeat(agent, max(agent.due + jittered, response.received))
        elif response.status in (NOT_FOUND, CONFLICT):
            if response.status == NOT_FOUND:
                self.results.false_expiries.add(agent.agent_id)
            self.register(agent, _do_nothing)
        else:
            self._schedule_heartbeat(
                agent, response.received + _pause(response) * self.random.uniform(1, 1.2)
            )


def _pause(response: Response) -> float:
    seconds = header_of(response.content, b"retry-after") if response.status else None
    return float(seconds) if seconds and seconds.isdigit() else RETRY_SECONDS


def _do_nothing(_agent: Agent) -> None:
    """For agents that nothing waits for."""
