"""Watches a changing fleet, and checks what watchers are sent against its history.

    make discovery WATCHERS=50

Agents come, change, die, recover and are drained, in a registry of two web processes on
PostgreSQL, of which one is killed halfway. Exits with 1 if a watcher's view differs from the list
in the end, if one missed an event, was sent one twice or in the wrong order, or if it takes a
second from an expiry to its event. Then measures what many watchers cost while nothing changes.
"""

import argparse
import signal
import sys
import time
from contextlib import ExitStack

from benchmarks import memory, open_files
from benchmarks.cpu_time import cpu_seconds
from benchmarks.discovery.plan import Plan
from benchmarks.discovery.run import NotInTime, Run, web_processes
from benchmarks.fleet.__main__ import address_of
from benchmarks.fleet.own_registry import OwnRegistry, own_registry
from benchmarks.fleet.progress import Progress
from benchmarks.programs import DidNotStart, Missing
from benchmarks.watchers import FIRST, Watchers
from benchmarks.wire.connection import Address
from tests import plain_http

PROCESSES = 2
NO_LIMIT = {"RATE_READ_PER_TOKEN": "off", "RATE_READ_PER_ADDRESS": "off"}


def main() -> None:
    plan = _plan()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    open_files.allow_as_many_as_possible()
    try:
        with own_registry(PROCESSES, **NO_LIMIT) as registry:
            address = address_of(registry.url)
            run = Run(plan, registry, address, Progress(sys.stdout))
            run.execute()
            print(report(run), flush=True)
            run.leave()
            if plan.crowd:
                print(cost_of_crowd(plan, registry, address), flush=True)
    except (Missing, DidNotStart, NotInTime) as error:
        sys.exit(str(error))
    sys.exit(not run.is_good)


def report(run: Run) -> str:
    plan, faults = run.plan, run.faults
    longest = f"{max(run.delays):.2f} s" if run.delays else "not measured"
    return "\n".join(
        [
            f"{plan.agents} agents in {plan.duration:g} s: {run.counts}",
            f"a web process was killed: {run.reconnected} watchers went on in another",
            f"watchers {plan.watchers}, events {len(run.events)}, {faults}",
            f"views that differ from the list: {run.differing}",
            f"longest time from an expiry to its event: {longest}",
            *run.errors[:10],
        ]
    )


def cost_of_crowd(plan: Plan, registry: OwnRegistry, address: Address) -> str:
    workers = web_processes(registry)
    authorization = {"Authorization": f"Bearer {registry.token}"}
    agents = plain_http.get(f"{registry.url}/agents?limit=1", headers=authorization)
    cursor = agents.headers["Registry-Cursor"]
    with ExitStack() as stack:
        watchers = Watchers(stack, address, cursor.encode(), registry.token)
        watchers.add(FIRST)
        before = sum(map(memory.resident, workers))
        watchers.add(plan.crowd - FIRST)
        megabytes = (sum(map(memory.resident, workers)) - before) / 1_000_000
        used = cpu_seconds(workers)
        time.sleep(plan.idle_seconds)
        idle = (cpu_seconds(workers) - used) * 60 / plan.idle_seconds
    return f"{plan.crowd} watchers: {megabytes:.1f} MB, {idle:.2f} s of CPU a minute idle"


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--agents", type=int, default=Plan.agents)
    add("--watchers", type=int, default=Plan.watchers)
    add("--duration", type=float, default=Plan.duration, help="seconds (%(default)s)")
    add("--bound", type=float, default=Plan.bound, help="seconds from an expiry to its event")
    add("--crowd", type=int, default=Plan.crowd, help="watchers while nothing changes; 0 for none")
    add("--seed", type=int, default=Plan.seed)
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
