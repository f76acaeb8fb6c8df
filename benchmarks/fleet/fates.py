"""Crashes, restarts and stops of agents, each checked against the registry."""

import time
from collections.abc import Callable
from functools import partial

from benchmarks.fleet.agent import MOST_LATE, Agent, Phase
from benchmarks.fleet.calls import is_alive
from benchmarks.fleet.living import CONFLICT, NOT_FOUND, OK, Fleet
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Answer, Pool

READERS = 8
# When a dead agent is read, in seconds: once before the end of its lease (at most this share of the
# TTL before), then after the end, and again until it is gone.
BEFORE_END, SHARE_BEFORE_END = 1.0, 0.25
AFTER_END, AGAIN = 0.02, 0.2
# Seconds after which a dead agent that is still listed is no longer read.
GIVEN_UP = 5.0
BUSY_SECONDS = 0.05
RESTED_SECONDS = 2.0


class Fates:
    """Schedules crashes, restarts and stops. `open`: how many are not finished."""

    def __init__(self, fleet: Fleet, address: Address) -> None:
        self._fleet = fleet
        self._ttl = fleet.plan.ttl
        self.reads = Pool(fleet.poller, address, READERS)
        self.open = 0

    def deal(self, seconds: float) -> None:
        """Spread the plan's crashes, restarts and stops over the next `seconds`."""
        plan = self._fleet.plan
        # Early enough for most checks to finish within the run.
        early = max(seconds - plan.ttl - 2 * BEFORE_END, seconds / 10)
        for share, fate, span in (
            (plan.deaths, self._kill, early),
            (plan.restarts, self._restart, seconds),
            (plan.stops, self._stop, seconds),
        ):
            for _ in range(plan.count(share)):
                self.open += 1
                when = time.monotonic() + self._fleet.random.uniform(0, span)
                self._fleet.poller.at(when, partial(self._meet, fate))

    def _meet(self, fate: Callable[[Agent], None]) -> None:
        agent = self._fleet.random.choice(self._fleet.agents)
        if agent.phase is Phase.LIVING and not agent.under_way:
            fate(agent)
        else:  # busy: try another agent
            self._fleet.poller.after(BUSY_SECONDS, partial(self._meet, fate))

    def _kill(self, agent: Agent) -> None:
        agent.phase = Phase.DEAD
        poller = self._fleet.poller
        early = agent.asked + self._ttl - min(BEFORE_END, SHARE_BEFORE_END * self._ttl)
        if early > time.monotonic():
            poller.at(early, partial(self._read, agent, self._look_early))
        late = agent.answered + self._ttl + AFTER_END
        poller.at(late, partial(self._read, agent, self._look_late))

    def _look_early(self, agent: Agent, answer: Answer) -> None:
        if not is_alive(answer) and agent.may_not_be_gone(answer.answered, self._ttl):
            self._fleet.tally.false_expiries.add(agent.agent_id)

    def _look_late(self, agent: Agent, answer: Answer) -> None:
        end = agent.answered + self._ttl
        if not is_alive(answer):
            self._fleet.tally.lateness.append(max(0.0, answer.answered - end))
            # Stay away until the listing has been read without the agent.
            away = self._fleet.plan.listing_interval + MOST_LATE
            self._fleet.poller.after(away, partial(self._live_again, agent))
            return
        if agent.has_to_be_gone(answer.asked, self._ttl):
            self._fleet.tally.missed_deaths.add(agent.agent_id)
        if answer.asked > end + GIVEN_UP:
            self._live_again(agent)
        else:
            self._fleet.poller.after(AGAIN, partial(self._read, agent, self._look_late))

    def _restart(self, agent: Agent) -> None:
        before = agent.heartbeat

        def lives(_agent: Agent) -> None:
            # A heartbeat of the previous process that arrives late.
            self._fleet.beats.ask(before, late)

        def late(answer: Answer) -> None:
            self._fleet.tally.count("late heartbeat of an old process", answer, [CONFLICT])
            self._fleet.tally.restarts += 1
            self.open -= 1

        self._fleet.register(agent, lives)

    def _stop(self, agent: Agent) -> None:
        def stopped(_agent: Agent) -> None:
            self._read(agent, gone)

        def gone(_agent: Agent, answer: Answer) -> None:
            if is_alive(answer):
                self._fleet.tally.missed_deaths.add(agent.agent_id)
            self._fleet.tally.stops += 1
            self._fleet.poller.after(RESTED_SECONDS, partial(self._live_again, agent))

        self._fleet.deregister(agent, stopped)

    def _live_again(self, agent: Agent) -> None:
        self._fleet.register(agent, self._closed)

    def _closed(self, _agent: Agent) -> None:
        self.open -= 1

    def _read(self, agent: Agent, look: Callable[[Agent, Answer], None]) -> None:
        def answered(answer: Answer) -> None:
            if self._fleet.tally.count("read", answer, [OK, NOT_FOUND]):
                look(agent, answer)
            else:
                self._fleet.poller.after(AGAIN, partial(self._read, agent, look))

        self.reads.ask(self._fleet.calls.read(agent.agent_id), answered)
