"""Runs the contestants in open loop, at one rate after the other."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.cores import on_core
from benchmarks.cpu_time import cpu_nanoseconds
from benchmarks.heartbeats.contestants import Contestant, HttpContestant
from benchmarks.heartbeats.open_loop.figures import NANOSECONDS, OpenFigures, Row, open_figures
from benchmarks.heartbeats.open_loop.schedule import due_times
from benchmarks.heartbeats.open_loop.sender import sender

RATES = (500, 2_000, 5_000)
WEB_PROCESSES = 2
WARM_UP_SECONDS = 2.0
# A proxy's, and as many new ones as may be open at once.
KEPT_CONNECTIONS, FRESH_CONNECTIONS = 256, 1_000
# Kept ones that are opened per second, before a run.
OPENED_PER_SECOND = 2_000
# A server that uses less than this share of a core is idle.
IDLE_SHARE = 0.1
SECONDS_BETWEEN_LOOKS = 0.25
SETTLING_SECONDS = 10.0
HALF = 0.5
# The setups, and the name in this comparison of one contestant of each.
SETUPS = ("fast", "fast-sqlite", "etcd", "oo-a2a-registry", "naive", "floor")
NAMES = {
    "fast-256": "ours",
    "fast-sqlite-256": "ours-sqlite",
    "etcd-256": "etcd",
    "oo-a2a-registry-32": "oo-a2a-registry",
    "naive-32": "naive",
    "floor-uvicorn-32": "hello-uvicorn",
    "floor-granian-32": "hello-granian",
}

Measure = Callable[[HttpContestant, int, bool], OpenFigures]


def compare(
    contestants: Iterable[Contestant],
    client_core: int,
    agents: int,
    rates: Sequence[int],
    *,
    seconds: float,
    kept: int = KEPT_CONNECTIONS,
) -> list[Row]:
    """Return the rows of those that NAMES lists, and print each when it is done.

    `kept`: the number of connections, where they are kept.
    """

    def measure_one(contestant: HttpContestant, rate: int, fresh: bool) -> OpenFigures:
        connections = FRESH_CONNECTIONS if fresh else kept
        warm_up = due_times(agents, rate, WARM_UP_SECONDS)
        if not fresh and kept > len(warm_up):  # open all of them before
            warm_up = due_times(kept, OPENED_PER_SECOND, kept / OPENED_PER_SECOND)
        due = due_times(agents, rate, seconds)
        with on_core(client_core):
            return measure(contestant, warm_up, due, connections, fresh=fresh)

    named = {
        NAMES[one.name]: one
        for one in contestants
        if isinstance(one, HttpContestant) and one.name in NAMES
    }
    return measure_all(named, rates, measure_one)


def measure_all(
    contestants: Mapping[str, HttpContestant], rates: Sequence[int], measure_one: Measure
) -> list[Row]:
    """Measure at rising rates.

    A contestant that answers less than half in time is not tried at higher rates.
    """
    rows: list[Row] = []
    beaten: set[tuple[str, bool]] = set()
    for rate in sorted(rates):
        for fresh in (False, True):
            for name, contestant in contestants.items():
                if (name, fresh) in beaten:
                    rows.append(Row(name, rate, fresh, None))
                    continue
                seen = measure_one(contestant, rate, fresh)
                if seen.in_time < HALF:
                    beaten.add((name, fresh))
                rows.append(Row(name, rate, fresh, seen))
                print(progress(rows[-1], seen), flush=True)
    return rows


def measure(
    contestant: HttpContestant,
    warm_up: Sequence[float],
    due: Sequence[float],
    connections: int,
    *,
    fresh: bool,
) -> OpenFigures:
    """Return the figures of one run, after a warm-up over the same connections."""
    with sender(contestant.target, connections, fresh=fresh) as one:
        one.run(warm_up)
        before = [cpu_nanoseconds([pid]) for pid in contestant.processes]
        load = one.run(due)
        used = [
            cpu_nanoseconds([pid]) - earlier
            for pid, earlier in zip(contestant.processes, before, strict=True)
        ]
    _settle(contestant.processes)
    return open_figures(load, used)


def progress(row: Row, seen: OpenFigures) -> str:
    cpu = "no right response" if seen.cpu is None else f"{seen.cpu:8.4f} CPU s per 1,000"
    return (
        f"open loop {row.rate:6,}/s {row.connections:<5}  {row.name:<16} {cpu}"
        f"  p99 {seen.p99:7.1f} ms  load generator {seen.own_cpu:.4f} CPU s"
        f"{'  ' + seen.notes if seen.notes else ''}"
    )


def _settle(processes: Sequence[int]) -> None:
    """Wait until a server has done with what an earlier run left behind."""
    end = time.monotonic() + SETTLING_SECONDS
    before = cpu_nanoseconds(processes)
    while time.monotonic() < end:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        now = cpu_nanoseconds(processes)
        if now - before < IDLE_SHARE * SECONDS_BETWEEN_LOOKS * NANOSECONDS:
            return
        before = now
