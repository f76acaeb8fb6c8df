"""A registry with a fleet of agents, in which faults can be injected into each process."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from tests import plain_http
from tests.faults.invariants import Breach, breaches
from tests.faults.journal import Action, Journal, JournalFile, Life
from tests.faults.machine import Clock, Network
from tests.faults.programs import Program, RedisServer, registry_commands
from tests.faults.snapshot import held_by_last_sweep, take_snapshot, turns_since
from tests.faults.watcher import FAULTS, Watcher, listing_breaches
from tests.integration.postgres_cluster import PostgresCluster
from tests.integration.registry_process import PROJECT
from tests.processes import wait_until

SECONDS_TO_SETTLE = 60


@dataclass(frozen=True)
class FleetSize:
    """How many agents of each kind there are; newcomers are per second."""

    steady: int = 200
    mortal: int = 40
    rivals: int = 10
    newcomers: int = 5
    doomed: int = 40
    remote: int = 30
    ttl: int = 12
    interval: float = 3


@dataclass(repr=False)  # keeps the environment out of failure messages
class Bed:
    """The running system: two web servers share one port; `code` is the folder they run."""

    folder: Path
    size: FleetSize
    environment: dict[str, str]
    cluster: PostgresCluster
    redis: RedisServer
    clock: Clock
    network: Network | None
    disk: Path | None
    port: int
    code: Path
    token: str = ""
    journal: Journal = field(default_factory=Journal)
    programs: dict[str, Program] = field(default_factory=dict)
    fleets: dict[str, Program] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    exit: ExitStack = field(default_factory=ExitStack)
    watcher: Watcher = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def start_programs(self) -> None:
        """Start the programs that do not run."""
        for name, argv in self.commands().items():
            if name not in self.programs:
                self.programs[name] = self.program(name, argv)
        for program in self.programs.values():
            program.start()

    def commands(self) -> dict[str, list[str]]:
        """Return the commands of the registry's programs, by name."""
        addresses = ["127.0.0.1", *([self.network.address] if self.network else [])]
        return registry_commands([f"{address}:{self.port}" for address in addresses], self.code)

    def program(self, name: str, argv: list[str]) -> Program:
        environment = self.environment | {"PYTHONPATH": str(self.code)}
        if name == "web-1":
            environment |= self.clock.environment
        program = Program(
            name, argv, folder=self.code, environment=environment, log=self.folder / f"{name}.log"
        )
        self.exit.callback(program.kill)
        return program

    def manage(self, *arguments: str) -> str:
        """Run a management command; return its output."""
        answer = subprocess.run(
            [sys.executable, str(self.code / "manage.py"), *arguments],
            env=self.environment,
            cwd=self.code,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def start_fleet(
        self, name: str, steady: int, *options: str, network: Network | None = None
    ) -> None:
        """Start a fleet of `steady` agents and others by `options`; their ids begin with `name`."""
        number = len(self.journal.files)
        journal = self.folder / f"{name}{number}.journal"
        host = network.address if network else "127.0.0.1"
        argv = [
            *(network.prefix if network else []),
            sys.executable,
            "-m",
            "tests.faults.fleet",
            f"http://{host}:{self.port}",
            f"--prefix={name}-",
            f"--journal={journal}",
            f"--steady={steady}",
            *options,
            f"--ttl={self.size.ttl}",
            f"--interval={self.size.interval}",
        ]
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "AGENT_ENROLMENT_TOKEN": self.token}
        fleet = Program(
            name, argv, folder=PROJECT, environment=environment, log=self.folder / f"{name}.log"
        )
        self.journal.files.append(JournalFile(journal))
        self.fleets[name] = fleet
        self.expected[name] = steady
        self.exit.callback(fleet.kill)
        fleet.start()

    def kill_fleet(self, name: str) -> None:
        """Kill all agents of a fleet."""
        self.fleets.pop(name).kill()
        del self.expected[name]
        prefix = f"{name}-"
        for file in self.journal.files:
            file.catch_up()
            if any(life.agent_id.startswith(prefix) for life in file.lives.values()):
                file.all_died(time.time())

    def steady(self) -> list[Life]:
        """Return the agents that never stop."""
        self.journal.catch_up()
        return [
            life
            for life in self.journal.lives()
            if life.beats and life.died is None and re.fullmatch(r"[a-z]+-\d+", life.agent_id)
        ]

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            for program in [*self.programs.values(), *self.fleets.values()]:
                program.check()
            return self.is_ready()

        wait_until(ready, "200 on /health/ready", SECONDS_TO_SETTLE)

    def is_ready(self) -> bool:
        try:
            answer = plain_http.get(f"{self.url}/health/ready", timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def clock_shown(self) -> float:
        """Return the clock error, in seconds, of the web server that answers."""
        date = plain_http.get(f"{self.url}/health/live", timeout=5).headers["Date"]
        return parsedate_to_datetime(date).timestamp() - time.time()

    def settle(self) -> None:
        """Wait until every living agent sends heartbeats and is listed, and a sweep has run."""
        since = time.time()
        self.wait_until_ready()
        self._wait_until_none(lambda: self.silent(since))
        self._wait_until_none(self.unlisted)
        wait_until(lambda: self.has_swept_since(since), "a sweep", SECONDS_TO_SETTLE)

    def _wait_until_none(self, missing: Callable[[], list[str]]) -> None:
        left: list[str] = []

        def is_empty() -> bool:
            left[:] = missing()
            return not left

        with suppress(AssertionError):
            wait_until(is_empty, "all agents", SECONDS_TO_SETTLE)
        assert not left, f"{len(left)} agents did not return, such as {', '.join(left[:3])}"

    def silent(self, since: float) -> list[str]:
        """Return the steady agents without a heartbeat since then."""
        steady = self.steady()
        unborn = ["one that has not registered yet"] * (sum(self.expected.values()) - len(steady))
        return unborn + [
            life.agent_id
            for life in steady
            if not any(c.sent > since for c in life.done(Action.HEARTBEAT)[-3:])
        ]

    def unlisted(self) -> list[str]:
        try:
            listed = self.watcher.look().listed
        except FAULTS:
            listed = {}
        return [life.agent_id for life in self.steady() if life.agent_id not in listed]

    def has_swept_since(self, moment: float) -> bool:
        try:
            answer = plain_http.get(f"{self.url}/health/ready").raise_for_status()
        except FAULTS:
            return False
        last = answer.json()["last_purge"]
        return last is not None and datetime.fromisoformat(last).timestamp() > moment

    def check(self) -> list[Breach]:
        """Return all breaches of the invariants so far."""
        # Before the journal is read, since later lines explain them.
        sightings = self.watcher.take_sightings()
        self.journal.catch_up()
        found = breaches(self.journal, take_snapshot(self.cluster.url))
        return [*found, *listing_breaches(self.journal, sightings)]

    def has_failed_since(self, moment: float) -> bool:
        """Return whether agents have got a 503 since then."""
        self.journal.catch_up()
        calls = (call for life in self.journal.lives() for call in life.calls[-5:])
        return any(call.sent > moment and call.message.startswith("503") for call in calls)

    def generations(self, prefix: str) -> dict[str, int]:
        """Return the generations of the agents whose ids begin with `prefix`."""
        records = take_snapshot(self.cluster.url).records
        return {key: r.generation for key, r in records.items() if key.startswith(prefix)}

    def steady_leases(self) -> dict[str, int]:
        """Return the generations of the steady agents, which must keep their leases."""
        mine = {life.agent_id for life in self.steady()}
        return {key: held for key, held in self.generations("").items() if key in mine}

    def turns_since(self, moment: float) -> list[str]:
        """Return the kinds of the events about holds of purging since then."""
        return turns_since(self.cluster.url, moment)

    def held_by_last_sweep(self) -> tuple[float, int]:
        """Return the time of the last sweep, and how many expired agents it held."""
        return held_by_last_sweep(self.cluster.url)

    def pause(self, seconds: float) -> None:
        """Wait while the fault lasts."""
        time.sleep(seconds)
