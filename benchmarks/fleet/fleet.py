"""The simulated agents: each registers, and sends heartbeats at a third of its TTL."""

import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.agent_requests import AgentRequests, lease_token, pause_after
from benchmarks.fleet.plan import JITTER, Plan
from benchmarks.fleet.relay import Relay
from benchmarks.fleet.results import Results
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response

# By how much a registration is delayed while heartbeats wait for a connection.
REGISTRATION_DELAY_SECONDS = 0.05
OK, CREATED, NOT_FOUND, CONFLICT = 200, 201, 404, 409


class Fleet:
    def __init__(self, plan: Plan, poller: Poller, address: Address, prefix: str) -> None:
        self.plan = plan
        self.poller = poller
        self.results = Results()
        self.requests = AgentRequests(address, plan.token)
        self.heartbeat_pool = Pool(poller, address, plan.connections)
        self.registration_pool = Pool(poller, address, plan.registering)
        self.random = random.Random(plan.seed)
        self.prefix = prefix
        self.relays = [
            Relay(
                plan,
                poller,
                self.requests,
                results=self.results,
                lost=lambda agent: self.register(agent, _do_nothing),
            )
            for _ in range(plan.relays)
        ]
        self.agents = [self._agent(number) for number in range(plan.agents)]
        self.registered = 0
        self._is_ending = False
        self._next_registration = time.monotonic()

    @property
    def outstanding(self) -> int:
        """Heartbeats in flight."""
        calls = sum(relay.outstanding for relay in self.relays)
        return self.heartbeat_pool.outstanding + calls

    def begin(self) -> None:
        """Register all agents as fast as the registry accepts them; then they send heartbeats."""
        waiting = deque(self.agents)

        def next_one() -> None:
            if waiting:
                self.register(waiting.popleft(), done)

        def done(_agent: Agent) -> None:
            self.registered += 1
            next_one()

        for _ in range(self.plan.registering):
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

        for _ in range(self.plan.registering):
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

    def resume(self, agent: Agent) -> None:
        """Let a dead agent send heartbeats again, with its lease of before."""
        agent.phase = Phase.LIVING
        self._schedule_heartbeat(agent, time.monotonic())

    def heartbeat_of(self, agent: Agent) -> bytes:
        # Not kept for the agents behind relays, which may be a million.
        return agent.heartbeat or self.requests.heartbeat(agent.agent_id, agent.token)

    def _agent(self, number: int) -> Agent:
        agent = Agent(f"{self.prefix}{number}")
        if self.plan.is_relayed(number):
            agent.relay = self.relays[number % len(self.relays)]
            return agent
        agent.send_heartbeat = partial(self._send_heartbeat, agent)
        agent.handle_response = partial(self._handle_heartbeat_response, agent)
        return agent

    def _register(self, agent: Agent, done: Callable[[Agent], None]) -> None:
        if self.heartbeat_pool.waiting:
            # Heartbeats of living agents take precedence.
            self.poller.after(REGISTRATION_DELAY_SECONDS, partial(self._register, agent, done))
            return
        registration = self.requests.register(agent.agent_id, self.plan.ttl, agent.fields)
        self.registration_pool.send(registration, partial(self._registered, agent, done))

    def _registered(self, agent: Agent, done: Callable[[Agent], None], response: Response) -> None:
        if not self.results.count("register", response, [OK, CREATED]):
            self.poller.after(pause_after(response), partial(self.register, agent, done))
            return
        agent.token = lease_token(response)
        agent.renewed(response.sent, response.received)
        agent.registered = response.received
        agent.phase = Phase.LIVING
        if self._is_ending:
            self.deregister(agent, _do_nothing)
            return
        # Randomized, so that agents that registered together do not stay in step.
        share = self.random.uniform(0.1, 1.0)
        if agent.relay is not None:
            agent.relay.take(agent, share)
        else:
            agent.heartbeat = self.requests.heartbeat(agent.agent_id, agent.token)
            self._schedule_heartbeat(agent, response.received + share * self.plan.interval)
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
                agent, response.received + pause_after(response) * self.random.uniform(1, 1.2)
            )


def _do_nothing(_agent: Agent) -> None:
    """For agents that nothing waits for."""
