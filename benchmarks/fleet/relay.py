"""Relays: each sends the heartbeats of many agents, in calls for up to a thousand of them."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.agent_requests import AgentRequests, pause_after
from benchmarks.fleet.plan import JITTER, Plan
from benchmarks.fleet.results import Results
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response
from benchmarks.wire.responses import body_of

AGENTS_PER_CALL = 1_000
CONNECTIONS = 4  # of each relay
OK = 200
# Entries of a response that must not occur; agents that are unknown have expired too early.
WRONG = ("unknown", "refused", "throttled", "invalid")


class Batch:
    """The agents of one call. `request` is built again after one of them has changed."""

    __slots__ = ("agents", "due", "in_flight", "request", "sent_agents")

    def __init__(self) -> None:
        self.agents: list[Agent] = []
        self.sent_agents: list[Agent] = []
        self.request: bytes | None = None
        self.in_flight = False
        self.due = 0.0


class Relay:
    """`lost` is called with an agent that has to register again."""

    def __init__(
        self,
        plan: Plan,
        poller: Poller,
        requests: AgentRequests,
        *,
        results: Results,
        lost: Callable[[Agent], None],
    ) -> None:
        self._plan = plan
        self._poller = poller
        self._requests = requests
        self._results = results
        self._lost = lost
        self._random = random.Random(plan.seed)
        self._pool = Pool(poller, requests.address, CONNECTIONS)
        self._batches: list[Batch] = []

    @property
    def outstanding(self) -> int:
        return self._pool.outstanding

    def take(self, agent: Agent, share_of_interval: float) -> None:
        """Send its heartbeats from now on, with its new token."""
        if agent.batch is None:
            if not self._batches or len(self._batches[-1].agents) >= AGENTS_PER_CALL:
                self._batches.append(Batch())
                first = time.monotonic() + share_of_interval * self._plan.interval
                self._schedule(self._batches[-1], first)
            agent.batch = self._batches[-1]
            agent.batch.agents.append(agent)
        agent.batch.request = None

    def _schedule(self, batch: Batch, when: float) -> None:
        batch.due = when
        self._poller.at(when, partial(self._send, batch))

    def _send(self, batch: Batch) -> None:
        if batch.request is None or any(
            agent.phase is not Phase.LIVING for agent in batch.sent_agents
        ):
            batch.sent_agents = [agent for agent in batch.agents if agent.phase is Phase.LIVING]
            batch.request = self._requests.heartbeats(batch.sent_agents)
        if not batch.sent_agents:
            self._schedule(batch, time.monotonic() + self._plan.interval)
            return
        batch.in_flight = True
        self._pool.send(batch.request, partial(self._handle, batch))

    def _handle(self, batch: Batch, response: Response) -> None:
        batch.in_flight = False
        if not self._results.count("bulk heartbeat", response, [OK]):
            self._schedule(batch, response.received + pause_after(response))
            return
        self._results.bulk_latencies.append(response.received - batch.due)
        for agent in batch.sent_agents:
            if not agent.must_be_alive(response.received, self._plan.ttl):
                self._results.lapsed.add(agent.agent_id)
            agent.renewed(response.sent, response.received)
        answer = json.loads(body_of(response.content))
        self._results.relayed += answer["renewed"]
        self._judge(batch, {name: _ids(answer[name]) for name in WRONG if answer[name]})
        jittered = self._plan.interval * self._random.uniform(1 - JITTER, 1 + JITTER)
        self._schedule(batch, max(batch.due + jittered, response.received))

    def _judge(self, batch: Batch, wrong: Mapping[str, Sequence[str]]) -> None:
        for name, ids in wrong.items():
            self._results.errors[f"bulk heartbeat: {name}"] += len(ids)
            if name == "unknown":
                self._results.false_expiries.update(ids)
            for agent in batch.sent_agents:
                if agent.agent_id in ids:
                    self._lost(agent)


def _ids(entries: list[object]) -> list[str]:
    return [str(one.get("agent_id")) if isinstance(one, dict) else str(one) for one in entries]
