"""Crashes, restarts and stops of agents, each checked against the registry."""

import time
from collections.abc import Callable
from functools import partial

from benchmarks.fleet.agent import MAX_DEATH_DELAY, Agent, Phase
from benchmarks.fleet.agent_requests import is_alive
from benchmarks.fleet.fleet import CONFLICT, NOT_FOUND, OK, Fleet
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Pool, Response

READERS = 8
# When a dead agent is read, in seconds: once before the end of its lease (at most this share of the
# TTL before), then after the end, and again until it is gone.
BEFORE_END, SHARE_BEFORE_END = 1.0, 0.25
AFTER_END, POLL_SECONDS = 0.02, 0.2
# Seconds after which a dead agent that is still listed is no longer read.
GIVE_UP_SECONDS = 5.0
BUSY_SECONDS = 0.05
DOWNTIME_SECONDS = 2.0


class Churn:
    """Schedules crashes, restarts and stops. `unfinished`: how many are not yet checked."""

    def __init__(self, fleet: Fleet, address: Address) -> None:
        self._fleet = fleet
        self._ttl = fleet.plan.ttl
        self.reads = Pool(fleet.poller, address, READERS)
        self.unfinished = 0

    def schedule(self, seconds: float) -> None:
        plan = self._fleet.plan
        # Early enough for most checks to finish within the run.
        early = max(seconds - plan.ttl - 2 * BEFORE_END, seconds / 10)
        for share, action, span in (
            (plan.deaths, self._kill, early),
            (plan.restarts, self._restart, seconds),
            (plan.stops, self._stop, seconds),
        ):
            for _ in range(plan.count(share)):
                self.unfinished += 1
                when = time.monotonic() + self._fleet.random.uniform(0, span)
                self._fleet.poller.at(when, partial(self._apply, action))

    def _apply(self, action: Callable[[Agent], None]) -> None:
        agent = self._fleet.random.choice(self._fleet.agents)
        if agent.phase is Phase.LIVING and not agent.is_busy:
            action(agent)
        else:  # busy: try another agent
            self._fleet.poller.after(BUSY_SECONDS, partial(self._apply, action))

    def _kill(self, agent: Agent) -> None:
        agent.phase = Phase.DEAD
        poller = self._fleet.poller
        early = agent.renewal_sent + self._ttl - min(BEFORE_END, SHARE_BEFORE_END * self._ttl)
        if early > time.monotonic():
            poller.at(early, partial(self._read, agent, self._check_before_end))
        late = agent.renewal_received + self._ttl + AFTER_END
        poller.at(late, partial(self._read, agent, self._check_after_end))

    def _check_before_end(self, agent: Agent, response: Response) -> None:
        if not is_alive(response) and agent.must_be_alive(response.received, self._ttl):
            self._fleet.results.false_expiries.add(agent.agent_id)

    def _check_after_end(self, agent: Agent, response: Response) -> None:
        end = agent.renewal_received + self._ttl
        if not is_alive(response):
            self._fleet.results.death_delays.append(max(0.0, response.received - end))
            # Stay away until the listing has been read without the agent.
            away = self._fleet.plan.listing_interval + MAX_DEATH_DELAY
            self._fleet.poller.after(away, partial(self._register_again, agent))
            return
        if agent.must_be_gone(response.sent, self._ttl):
            self._fleet.results.missed_deaths.add(agent.agent_id)
        if response.sent > end + GIVE_UP_SECONDS:
            self._register_again(agent)
        else:
            self._fleet.poller.after(
                POLL_SECONDS, partial(self._read, agent, self._check_after_end)
            )

    def _restart(self, agent: Agent) -> None:
        before = self._fleet.heartbeat_of(agent)

        def restarted(_agent: Agent) -> None:
            # A heartbeat of the previous process that arrives late.
            self._fleet.heartbeat_pool.send(before, late)

        def late(response: Response) -> None:
            self._fleet.results.count("late heartbeat of an old process", response, [CONFLICT])
            self._fleet.results.restarts += 1
            self.unfinished -= 1

        self._fleet.register(agent, restarted)

    def _stop(self, agent: Agent) -> None:
        def stopped(_agent: Agent) -> None:
            self._read(agent, gone)

        def gone(_agent: Agent, response: Response) -> None:
            if is_alive(response):
                self._fleet.results.missed_deaths.add(agent.agent_id)
            self._fleet.results.stops += 1
            self._fleet.poller.after(DOWNTIME_SECONDS, partial(self._register_again, agent))

        self._fleet.deregister(agent, stopped)

    def _register_again(self, agent: Agent) -> None:
        self._fleet.register(agent, self._finish)

    def _finish(self, _agent: Agent) -> None:
        self.unfinished -= 1

    def _read(self, agent: Agent, check: Callable[[Agent, Response], None]) -> None:
        def on_response(response: Response) -> None:
            if self._fleet.results.count("read", response, [OK, NOT_FOUND]):
                check(agent, response)
            else:
                self._fleet.poller.after(POLL_SECONDS, partial(self._read, agent, check))

        self.reads.send(self._fleet.requests.read(agent.agent_id), on_response)
