"""Reads the whole listing repeatedly, and compares it with the fleet."""

import time
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.calls import listed, next_page
from benchmarks.fleet.living import OK, Fleet
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Answer, Pool

# The pause between two readings is at least this many times as long as a reading.
REST = 10
RETRY_SECONDS = 5.0
# Agents compared in one go: few, so that heartbeats do not wait for it.
SLICE = 2000


class Listing:
    """Requests the pages one after the other."""

    def __init__(self, fleet: Fleet, address: Address) -> None:
        self._fleet = fleet
        self._pool = Pool(fleet.poller, address, 1)
        self._ids: set[bytes] = set()
        self._began = 0.0
        self.length: int | None = None

    def begin(self) -> None:
        self._ids = set()
        self._began = time.monotonic()
        self._pool.ask(self._fleet.calls.page(), self._came)

    def _came(self, answer: Answer) -> None:
        if not self._fleet.tally.count("list", answer, [OK]):
            self._fleet.poller.after(RETRY_SECONDS, self.begin)
            return
        self._ids.update(listed(answer))
        path = next_page(answer)
        if path is not None:
            self._pool.ask(self._fleet.calls.page(path), self._came)
            return
        prefix = self._fleet.prefix.encode()
        self.length = sum(agent_id.startswith(prefix) for agent_id in self._ids)
        self._fleet.tally.listings += 1
        took = answer.answered - self._began
        self._compare(0)
        self._fleet.poller.after(max(self._fleet.plan.listing_interval, REST * took), self.begin)

    def _compare(self, start: int) -> None:
        for agent in self._fleet.agents[start : start + SLICE]:
            self._judge(agent, is_listed=agent.agent_id.encode() in self._ids)
        if start + SLICE < len(self._fleet.agents):
            self._fleet.poller.after(0, partial(self._compare, start + SLICE))

    def _judge(self, agent: Agent, *, is_listed: bool) -> None:
        tally, began = self._fleet.tally, self._began
        if agent.phase is Phase.LIVING:
            # Only agents registered before the first page was requested must be listed.
            if not is_listed and agent.registered < began:
                tally.false_expiries.add(agent.agent_id)
        elif agent.phase is Phase.DEAD:
            if is_listed and agent.has_to_be_gone(began, self._fleet.plan.ttl):
                tally.missed_deaths.add(agent.agent_id)
        elif agent.phase is Phase.STOPPED and is_listed and agent.stopped < began:
            tally.missed_deaths.add(agent.agent_id)
