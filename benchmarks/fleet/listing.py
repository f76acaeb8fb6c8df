"""Reads the whole listing repeatedly, and compares it with the fleet."""

import time
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.agent_requests import listed, next_page
from benchmarks.fleet.fleet import OK, Fleet
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Pool, Response

# The pause between two readings is at least this many times as long as a reading.
PAUSE_FACTOR = 10
RETRY_SECONDS = 5.0
# Agents compared in one go: few, so that heartbeats do not wait for it.
BATCH = 2000


class Listing:
    def __init__(self, fleet: Fleet, address: Address) -> None:
        self._fleet = fleet
        self._pool = Pool(fleet.poller, address, 1)
        self._ids: set[bytes] = set()
        self._started = 0.0
        self.length: int | None = None

    def begin(self) -> None:
        self._ids = set()
        self._started = time.monotonic()
        self._pool.send(self._fleet.requests.page(), self._page_received)

    def _page_received(self, response: Response) -> None:
        if not self._fleet.results.count("list", response, [OK]):
            self._fleet.poller.after(RETRY_SECONDS, self.begin)
            return
        self._ids.update(listed(response))
        path = next_page(response)
        if path is not None:
            self._pool.send(self._fleet.requests.page(path), self._page_received)
            return
        prefix = self._fleet.prefix.encode()
        self.length = sum(agent_id.startswith(prefix) for agent_id in self._ids)
        self._fleet.results.listings += 1
        took = response.received - self._started
        self._fleet.results.longest_listing = max(self._fleet.results.longest_listing, took)
        self._compare(0)
        self._fleet.poller.after(
            max(self._fleet.plan.listing_interval, PAUSE_FACTOR * took), self.begin
        )

    def _compare(self, start: int) -> None:
        for agent in self._fleet.agents[start : start + BATCH]:
            self._check(agent, is_listed=agent.agent_id.encode() in self._ids)
        if start + BATCH < len(self._fleet.agents):
            self._fleet.poller.after(0, partial(self._compare, start + BATCH))

    def _check(self, agent: Agent, *, is_listed: bool) -> None:
        results, began = self._fleet.results, self._started
        if agent.phase is Phase.LIVING:
            # Only agents registered before the first page was requested must be listed.
            if not is_listed and agent.registered < began:
                results.false_expiries.add(agent.agent_id)
        elif agent.phase is Phase.DEAD:
            if is_listed and agent.must_be_gone(began, self._fleet.plan.ttl):
                results.missed_deaths.add(agent.agent_id)
        elif agent.phase is Phase.STOPPED and is_listed and agent.stopped < began:
            results.missed_deaths.add(agent.agent_id)
