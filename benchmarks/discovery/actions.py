"""What happens to the agents: they change, leave, die, recover, and are drained."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.discovery.operator import Operator
from benchmarks.discovery.plan import Plan
from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.fleet import Fleet

# Seconds between two actions on an agent: each is read by itself.
REST_SECONDS = 3.0
AWAY_SECONDS = (1.0, 4.0)  # after an end, until it comes back
TAG = "blue"  # that filtered watchers follow


class Actions:
    """`counts` of what was done; `outstanding`: agents that are not back to normal yet."""

    def __init__(self, plan: Plan, fleet: Fleet, environment: Mapping[str, str]) -> None:
        self.counts: Counter[str] = Counter()
        self.outstanding = 0
        self._plan = plan
        self._fleet = fleet
        self._random = fleet.random
        self._versions = itertools.count(1)
        self._rests_until: dict[str, float] = {}
        self._kinds: list[Callable[[Agent], None]] = [
            self._change,
            self._change,
            self._leave,
            self._die,
            self._drain,
        ]
        self._operator = Operator(environment)

    def close(self) -> None:
        self._operator.close()

    def give_fields(self) -> None:
        for number, agent in enumerate(self._fleet.agents):
            agent.fields = {"version": "0", "tags": [TAG] if number % 2 else []}

    def schedule(self, seconds: float) -> None:
        start = time.monotonic()
        for number in range(round(seconds * self._plan.actions)):
            self._fleet.poller.at(start + number / self._plan.actions, self._act)

    def _act(self) -> None:
        now = time.monotonic()
        free = [
            agent
            for agent in self._fleet.agents
            if agent.phase is Phase.LIVING
            and not agent.in_flight
            and self._rests_until.get(agent.agent_id, 0.0) <= now
        ]
        if free:
            agent = self._random.choice(free)
            self.outstanding += 1
            self._rests_until[agent.agent_id] = float("inf")
            self._random.choice(self._kinds)(agent)

    def _change(self, agent: Agent) -> None:
        self.counts["changed"] += 1
        tags = [] if agent.fields["tags"] else [TAG]
        agent.fields = {"version": str(next(self._versions)), "tags": tags}
        self._fleet.register(agent, self._finish)

    def _leave(self, agent: Agent) -> None:
        self.counts["left"] += 1
        self._fleet.deregister(agent, lambda agent: self._return(agent, 0.0))

    def _die(self, agent: Agent) -> None:
        agent.phase = Phase.DEAD
        left = agent.renewal_received + self._plan.ttl - time.monotonic()
        if self._random.random() < 0.5:
            self.counts["died"] += 1
            self._return(agent, left)
        else:
            self.counts["recovered"] += 1
            self._after(left, agent, self._resume)

    def _drain(self, agent: Agent) -> None:
        self.counts["drained"] += 1
        self._operator.set_state(agent.agent_id, "draining")
        self._after(0.0, agent, self._end_drain)

    def _end_drain(self, agent: Agent) -> None:
        self._operator.set_state(agent.agent_id, "active")
        self._finish(agent)

    def _resume(self, agent: Agent) -> None:
        self._fleet.resume(agent)
        self._finish(agent)

    def _return(self, agent: Agent, left: float) -> None:
        self._after(left, agent, lambda agent: self._fleet.register(agent, self._finish))

    def _after(self, seconds: float, agent: Agent, action: Callable[[Agent], None]) -> None:
        away = max(0.0, seconds) + self._random.uniform(*AWAY_SECONDS)
        self._fleet.poller.after(away, partial(action, agent))

    def _finish(self, agent: Agent) -> None:
        self.outstanding -= 1
        self._rests_until[agent.agent_id] = time.monotonic() + REST_SECONDS
