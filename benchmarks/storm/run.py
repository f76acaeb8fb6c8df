"""A run: a calm, the storm, and a while afterwards."""

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

from benchmarks.fleet.costs import Costs, Meter, between
from benchmarks.fleet.progress import Progress
from benchmarks.programs import PROJECT
from benchmarks.storm.database import Preparation, Verdict
from benchmarks.storm.plan import PATIENCE, Plan
from benchmarks.storm.results import Results
from benchmarks.storm.storm import Storm
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller

PREFIX = "storm-"
DATABASE = [sys.executable, "-m", "benchmarks.storm.database"]


class Run:
    """One run of a plan. `environment`: the registry's. `costs`: until all are registered."""

    def __init__(
        self,
        plan: Plan,
        address: Address,
        environment: Mapping[str, str],
        meter: Meter,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._environment = dict(environment)
        self._meter = meter
        self._progress = progress
        self._poller = Poller()
        self._storm = Storm(plan, self._poller, address, self._prepare())
        self.costs: Costs | None = None

    @property
    def results(self) -> Results:
        return self._storm.results

    def execute(self) -> None:
        # Garbage collections over all agents would delay heartbeats.
        gc.freeze()
        self._storm.begin()
        self._turn_for(self._plan.calm, "calm")
        before = self._meter.read()
        self._storm.break_loose()
        until = time.monotonic() + PATIENCE * self._plan.seconds_allowed
        while self.results.registered < self._plan.agents and time.monotonic() < until:
            self._turn("storm", self.results.registered / self._plan.agents)
        self._progress.finish()
        self.costs = between(before, self._meter.read())
        self._turn_for(self._plan.watch, "afterwards")
        self.results.verdict = self._judge()
        self._poller.close()

    def _turn_for(self, seconds: float, what: str) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._turn(what, passed / seconds)
        self._progress.finish()

    def _turn(self, what: str, share: float) -> None:
        self._poller.turn()
        if self._progress.is_due:
            results = self.results
            heartbeats = len(results.living) + len(results.returned)
            details = f"{results.registered:,} registered, {heartbeats:,} heartbeats"
            self._progress.show(what, share, details)

    def _prepare(self) -> Preparation:
        plan = self._plan
        numbers = [plan.agents, plan.living, plan.ttl, plan.tokens]
        done = subprocess.run(
            [*DATABASE, "prepare", PREFIX, *map(str, numbers)],
            cwd=PROJECT,
            env=self._environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return Preparation(**json.loads(done.stdout))

    def _judge(self) -> Verdict:
        """Agents send heartbeats meanwhile: on a busy machine it takes longer than a TTL."""
        lines = (f"{agent_id} {number}" for agent_id, number in self._storm.acknowledged.items())
        command = [*DATABASE, "judge", PREFIX]
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
            given.write("\n".join(lines).encode())
            given.seek(0)
            process = subprocess.Popen(
                command, cwd=PROJECT, env=self._environment, stdin=given, stdout=printed
            )
            while process.poll() is None:
                self._turn("verdict", 1)
            self._progress.finish()
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            printed.seek(0)
            return Verdict(**json.load(printed))
