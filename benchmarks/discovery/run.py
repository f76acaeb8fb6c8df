"""A run: the fleet changes, a web process is killed, and the watchers are judged at the end."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

from benchmarks.cpu_time import name_and_parent
from benchmarks.discovery import messages
from benchmarks.discovery.actions import TAG, Actions
from benchmarks.discovery.messages import NO_FAULTS, Event, Faults
from benchmarks.discovery.plan import Plan
from benchmarks.discovery.watcher import View, Watcher, read_view
from benchmarks.fleet.fleet import Fleet
from benchmarks.fleet.own_registry import OwnRegistry
from benchmarks.fleet.plan import Plan as FleetPlan
from benchmarks.fleet.progress import Progress
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response
from tests.processes import descendants

LONGEST_WAIT_SECONDS = 60.0
BETWEEN_LISTS_SECONDS = 0.5
CONNECTIONS = 16
KILLED_AT = 0.5  # of the duration
EVENTS = "SELECT id, agent_id, kind, extract(epoch FROM at)::float FROM agents_agentevent"


class NotInTime(Exception):
    pass


class Run:
    """`differing`: watchers whose view is not what is listed in the end."""

    def __init__(
        self, plan: Plan, registry: OwnRegistry, address: Address, progress: Progress
    ) -> None:
        self.plan = plan
        self.differing = 0
        self.reconnected = 0
        self.events: Sequence[Event] = ()
        self.faults: Faults = NO_FAULTS
        self.delays: list[float] = []
        self._registry = registry
        self._progress = progress
        self._poller = Poller()
        fleet_plan = FleetPlan(plan.agents, plan.ttl, plan.duration, registry.token, seed=plan.seed)
        self._fleet = Fleet(fleet_plan, self._poller, address, "agent-")
        self._actions = Actions(plan, self._fleet, registry.environment)
        self._pool = Pool(self._poller, address, CONNECTIONS)
        headers = {"Authorization": f"Bearer {registry.token}"}
        self.watchers = [
            Watcher(self._poller, self._pool, address, headers, filters)
            for filters in self._filters()
        ]

    @property
    def counts(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self._actions.counts.items()))

    @property
    def errors(self) -> list[str]:
        return [error for watcher in self.watchers for error in watcher.errors]

    @property
    def is_good(self) -> bool:
        """Whether everything was shown: also that there were expiries and a resumption."""
        kept = self.faults.are_none and not self.differing and not self.errors
        in_time = bool(self.delays) and max(self.delays) < self.plan.bound
        return kept and in_time and self.reconnected > 0

    def execute(self) -> None:
        try:
            self._live()
            self._compare()
            self._judge()
        finally:
            self._actions.close()
            for watcher in self.watchers:
                watcher.close()

    def leave(self) -> None:
        """Deregister the agents, and close all connections."""
        fleet = self._fleet
        fleet.end()
        pools = (self._pool, fleet.registration_pool, fleet.heartbeat_pool)
        self._turn_until(lambda: not any(pool.outstanding for pool in pools), "deregistering")
        for pool in pools:
            pool.close()
        self._poller.close()

    def _filters(self) -> list[dict[str, str]]:
        with_tag = self.plan.filtered
        return [{"tag": TAG}] * with_tag + [{}] * (self.plan.watchers - with_tag)

    def _live(self) -> None:
        plan, fleet = self.plan, self._fleet
        self._actions.give_fields()
        # Half of the watchers see the fleet come.
        for watcher in self.watchers[::2]:
            watcher.begin()
        fleet.begin()
        self._turn_until(lambda: fleet.registered >= plan.agents, "registering")
        for watcher in self.watchers[1::2]:
            watcher.begin()
        self._turn_until(lambda: all(one.is_connected for one in self.watchers), "connecting")
        end = time.monotonic() + plan.duration
        self._poller.after(plan.duration * KILLED_AT, self._kill_web_process)
        self._actions.schedule(plan.duration)
        self._turn_until(
            lambda: time.monotonic() >= end and not self._actions.outstanding,
            "living",
            seconds=plan.duration,
        )

    def _kill_web_process(self) -> None:
        """Kill the one with the most connections: new ones may all have gone to one process."""
        os.kill(max(web_processes(self._registry), key=_open_files), signal.SIGKILL)

    def _compare(self) -> None:
        """Read the lists until each view is like its list, or for LONGEST_WAIT_SECONDS."""
        lists: dict[int, View] = {}
        due = time.monotonic()

        def are_like_lists() -> bool:
            nonlocal due
            self.differing = sum(
                watcher.view != lists.get(number) for number, watcher in enumerate(self.watchers)
            )
            if self.differing and time.monotonic() >= due and not self._pool.outstanding:
                due = time.monotonic() + BETWEEN_LISTS_SECONDS
                for number, watcher in enumerate(self.watchers):
                    self._pool.send(watcher.list_request(), _keep(lists, number))
            return not self.differing

        with suppress(NotInTime):  # `differing` says so
            self._turn_until(are_like_lists, "comparing")

    def _judge(self) -> None:
        with psycopg.connect(self._registry.environment["DATABASE_URL"]) as database:
            rows = database.execute(f"{EVENTS} WHERE agent_id <> '' ORDER BY id").fetchall()
        sent = (message for watcher in self.watchers for message in watcher.messages)
        self.events = messages.visible(messages.with_reads(rows, sent))
        for watcher in self.watchers:
            # The history does not say which agents matched a filter.
            events = [] if watcher.filters else self.events
            self.faults += messages.judge(events, watcher.start, watcher.messages)
            self.delays += messages.delays(self.events, watcher.messages)
        self.reconnected = sum(watcher.connections > 1 for watcher in self.watchers)

    def _turn_until(self, is_over: Callable[[], bool], what: str, *, seconds: float = 0.0) -> None:
        """`seconds`: how long it should take. Raise NotInTime long after these."""
        begun = time.monotonic()
        while not is_over():
            passed = time.monotonic() - begun
            if passed > seconds + LONGEST_WAIT_SECONDS:
                raise NotInTime(f"not over in {passed:.0f} s: {what}")
            self._poller.turn()
            if self._progress.is_due:
                self._progress.show(what, passed / max(seconds, passed), self.counts)
        self._progress.finish()


def web_processes(registry: OwnRegistry) -> set[int]:
    [supervisor] = registry.meter.server
    web = {pid for pid, line in descendants(supervisor).items() if "gunicorn" in line}
    return {pid for pid in web if name_and_parent(pid)[1] in web}


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _keep(lists: dict[int, View], number: int) -> Callable[[Response], None]:
    def keep(response: Response) -> None:
        lists[number] = read_view(response) if response.status == 200 else {}

    return keep
