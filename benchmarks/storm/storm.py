"""The agents: some live on, all others come back."""

import time
from functools import partial

from benchmarks.storm.agent import Agent
from benchmarks.storm.database import Preparation
from benchmarks.storm.plan import Plan
from benchmarks.storm.requests import StormRequests, generation_of, lease_token
from benchmarks.storm.results import Results
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response
from benchmarks.wire.responses import header_of

OK, CREATED, NOT_FOUND, CONFLICT = 200, 201, 404, 409


class Storm:
    """Driven by the turns of `poller`."""

    def __init__(
        self, plan: Plan, poller: Poller, address: Address, preparation: Preparation
    ) -> None:
        self.results = Results()
        self._plan = plan
        self._poller = poller
        self._requests = StormRequests(address, plan, preparation.access_tokens)
        self._heartbeats = Pool(poller, address, plan.connections, plan.request_seconds)
        # Those that come back wait for each other, but do not delay the heartbeats of the living.
        self._returning = Pool(poller, address, plan.connections, plan.request_seconds)
        tokens = preparation.living | preparation.lost
        agents = [self._agent(number, *one) for number, one in enumerate(tokens.items())]
        self._living = agents[: len(preparation.living)]
        self._lost = agents[len(preparation.living) :]
        for agent, token in zip(self._living, preparation.living.values(), strict=True):
            agent.generation = generation_of(token)
        self._began = 0.0

    @property
    def acknowledged(self) -> dict[str, int]:
        """The generation of each agent that is registered."""
        agents = (*self._living, *self._lost)
        return {agent.agent_id: agent.generation for agent in agents if agent.is_registered}

    def begin(self) -> None:
        """Let the living send heartbeats."""
        now = time.monotonic()
        for place, agent in enumerate(self._living):
            agent.renewed = now
            agent.schedule.registered(now - self._plan.interval * place / len(self._living))
            self._schedule(agent)

    def break_loose(self) -> None:
        """Let the others come back."""
        self._began = time.monotonic()
        for place, agent in enumerate(self._lost):
            if self._plan.finds_out:
                agent.due = self._began + self._plan.interval * place / len(self._lost)
                self._poller.at(agent.due, agent.act)
            else:
                self._register(agent)

    def _agent(self, number: int, agent_id: str, token: str) -> Agent:
        agent = Agent(number, agent_id, self._plan.interval, self._plan.ttl)
        agent.heartbeat = self._requests.heartbeat(number, agent_id, token)
        agent.act = partial(self._act, agent)
        agent.handle_heartbeat = partial(self._handle_heartbeat, agent)
        agent.handle_registration = partial(self._handle_registration, agent)
        return agent

    def _schedule(self, agent: Agent) -> None:
        agent.due = time.monotonic() + agent.schedule.seconds_left()
        self._poller.at(agent.due, agent.act)

    def _act(self, agent: Agent) -> None:
        if agent.heartbeat:
            self._send_heartbeat(agent)
        else:
            self._register(agent)

    def _send_heartbeat(self, agent: Agent) -> None:
        pool = self._heartbeats if agent.is_registered else self._returning
        pool.send(agent.heartbeat, agent.handle_heartbeat)

    def _register(self, agent: Agent) -> None:
        agent.heartbeat = b""
        agent.due = time.monotonic()
        request = self._requests.register(agent.number, agent.agent_id)
        self._returning.send(request, agent.handle_registration)

    def _handle_registration(self, agent: Agent, response: Response) -> None:
        self.results.responses["register", response.status] += 1
        if response.status not in (OK, CREATED):
            # Without a response, it may be carried out later, and be the newest one then.
            agent.is_in_doubt = agent.is_in_doubt or not response.status
            self._failed(agent, response)
            return
        token = lease_token(response)
        agent.heartbeat = self._requests.heartbeat(agent.number, agent.agent_id, token)
        if not agent.is_registered:
            self.results.registered += 1
            self.results.seconds = response.received - self._began
        agent.generation = generation_of(token)
        agent.renewed = response.sent
        agent.schedule.registered(agent.due)
        self._schedule(agent)

    def _handle_heartbeat(self, agent: Agent, response: Response) -> None:
        kind = "heartbeat" if agent.is_registered else "heartbeat of the lost"
        self.results.responses[kind, response.status] += 1
        if agent.is_registered:
            self._judge(agent, response)
        if response.status == OK:
            agent.renewed = response.sent
            agent.is_in_doubt = False
            agent.schedule.renewed()
            self._schedule(agent)
        elif response.status in (NOT_FOUND, CONFLICT):
            self._register(agent)
        else:
            self._failed(agent, response)

    def _judge(self, agent: Agent, response: Response) -> None:
        is_living = agent.number < len(self._living)
        latencies = self.results.living if is_living else self.results.returned
        latencies.append(response.received - agent.due)
        if response.status == NOT_FOUND or (response.status == CONFLICT and not agent.is_in_doubt):
            self.results.forgotten.add(agent.agent_id)
        elif response.received > agent.renewed + self._plan.ttl:
            self.results.lapsed.add(agent.agent_id)

    def _failed(self, agent: Agent, response: Response) -> None:
        header = header_of(response.content, b"retry-after") if response.status else None
        seconds = float(header) if header and header.isdigit() else None
        if seconds is not None:
            self.results.waits[int(seconds)] += 1
        agent.schedule.failed(seconds)
        self._schedule(agent)
