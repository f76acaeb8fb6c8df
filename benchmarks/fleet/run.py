"""A run, from the first registration to the last deregistration."""

import gc
import os
import time
from collections.abc import Callable

from benchmarks.fleet.agent import Phase
from benchmarks.fleet.bad_clients import BadClients
from benchmarks.fleet.churn import Churn
from benchmarks.fleet.costs import Costs, Meter, between
from benchmarks.fleet.fleet import Fleet
from benchmarks.fleet.listing import Listing
from benchmarks.fleet.plan import Plan
from benchmarks.fleet.progress import Progress
from benchmarks.fleet.results import Results
from benchmarks.latencies import percentile
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller

# How long the run waits at the end for heartbeats in flight.
LAST_SECONDS = 5.0


class Run:
    """One run of a plan. `costs` and `beats` cover its `duration`, without the registrations."""

    def __init__(self, plan: Plan, address: Address, meter: Meter, progress: Progress) -> None:
        self._plan = plan
        self._meter = meter
        self._progress = progress
        self._poller = Poller()
        self._fleet = Fleet(plan, self._poller, address, f"fleet-{os.getpid()}-")
        self._churn = Churn(self._fleet, address)
        self._listing = Listing(self._fleet, address)
        self._bad = BadClients(self._fleet, address)
        self._shown_at, self._shown_beats, self._shown_single = time.monotonic(), 0, 0
        self.costs: Costs | None = None
        self.beats = 0
        self.is_over = False

    @property
    def results(self) -> Results:
        return self._fleet.results

    def execute(self) -> None:
        """Register all agents, run for the plan's duration, finish all checks, deregister."""
        plan, fleet = self._plan, self._fleet
        fleet.begin()
        self._listing.begin()
        began = time.monotonic()
        self._turn_until(
            lambda: fleet.registered >= plan.agents,
            "registering",
            lambda: fleet.registered / plan.agents,
            lambda: f"{fleet.registered:,} of {plan.agents:,}, {_rate(fleet.registered, began)}/s",
        )
        # Garbage collections over all agents would delay heartbeats.
        gc.freeze()
        self._run_for_duration()
        if plan.leave:
            self._leave()
        self._poller.close()
        self.is_over = True

    def _run_for_duration(self) -> None:
        before, beats = self._meter.read(), self.results.heartbeats
        began = time.monotonic()
        end = began + self._plan.duration
        self._churn.schedule(self._plan.duration)
        self._bad.begin()
        self._turn_until(
            lambda: time.monotonic() >= end,
            "living",
            lambda: (time.monotonic() - began) / self._plan.duration,
            lambda: f"{time.monotonic() - began:.0f} of {self._plan.duration:g} s",
        )
        self.costs = between(before, self._meter.read())
        self.beats = self.results.heartbeats - beats
        self._bad.stop()
        fates = max(1, self._churn.unfinished)
        self._turn_until(
            lambda: not self._churn.unfinished and not self._bad.outstanding,
            "checking",
            lambda: 1 - self._churn.unfinished / fates,
            lambda: f"{self._churn.unfinished} crashes, restarts and stops to check",
        )

    def _leave(self) -> None:
        fleet = self._fleet
        living = sum(agent.phase is Phase.LIVING for agent in fleet.agents)

        def left() -> int:
            return sum(agent.phase not in {Phase.STOPPED, Phase.DEAD} for agent in fleet.agents)

        fleet.end()
        self._turn_until(
            lambda: not fleet.registration_pool.outstanding and not left(),
            "deregistering",
            lambda: 1 - left() / max(1, living),
            lambda: f"{left():,} left",
        )
        end = time.monotonic() + LAST_SECONDS
        while fleet.outstanding and time.monotonic() < end:
            self._poller.turn()

    def _turn_until(
        self,
        is_over: Callable[[], bool],
        what: str,
        share: Callable[[], float],
        details: Callable[[], str],
    ) -> None:
        while not is_over():
            self._poller.turn()
            if self._progress.is_due:
                self._progress.show(what, share(), f"{details()}  {self._now()}")
        self._progress.show(what, 1.0, f"{details()}  {self._now()}")
        self._progress.finish()

    def _now(self) -> str:
        results, now = self.results, time.monotonic()
        recent = sorted(results.latencies[self._shown_single :])
        rate = _rate(results.heartbeats - self._shown_beats, self._shown_at)
        self._shown_at, self._shown_beats = now, results.heartbeats
        self._shown_single = len(results.latencies)
        wrong = len(results.false_expiries) + len(results.missed_deaths) + len(results.lapsed)
        return (
            f"heartbeats {rate}/s, p99 {percentile(recent, 0.99) * 1000 if recent else 0:.0f} ms  "
            f"listed {'?' if self._listing.length is None else f'{self._listing.length:,}'}  "
            f"wrong {wrong}  errors {results.errors.total()}"
        )


def _rate(count: int, since: float) -> str:
    return f"{count / max(0.001, time.monotonic() - since):,.0f}"
