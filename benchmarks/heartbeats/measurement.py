"""Measures one round of a contestant. Rounds alternate, so that noise hits all contestants."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.cores import on_core
from benchmarks.cpu_time import cpu_nanoseconds
from benchmarks.heartbeats import load
from benchmarks.heartbeats.contestants import Contestant
from benchmarks.latencies import percentile

WARM_UP_SECONDS = 0.5
NANOSECONDS = 1_000_000_000


class WrongResponses(Exception):
    """A contestant responded wrongly, so its figures are worthless."""


@dataclass(frozen=True)
class Figures:
    """`cpu`: CPU seconds of server and database per 1,000 heartbeats.

    `per_second`: heartbeats. `p50` and `p99`: milliseconds per request.
    """

    cpu: float
    per_second: float
    p50: float
    p99: float


def measure(contestant: Contestant, seconds: float, client_core: int) -> Figures:
    target, connections = contestant.target, contestant.connections
    with on_core(client_core):
        warm_up = load.run(target, connections, WARM_UP_SECONDS)
        before = cpu_nanoseconds(contestant.processes)
        result = load.run(target, connections, seconds)
        used = cpu_nanoseconds(contestant.processes) - before
    if wrong := warm_up.wrong + result.wrong:
        details = ", ".join(f"{what}: {count}" for what, count in wrong.most_common(5))
        raise WrongResponses(f"{contestant.name} gave wrong responses ({details})")
    return figures(result, used, contestant.heartbeats)


def figures(result: load.Load, used_nanoseconds: int, heartbeats: int) -> Figures:
    beats = result.right * heartbeats
    ordered = sorted(result.latencies)
    return Figures(
        cpu=used_nanoseconds / NANOSECONDS / beats * 1000,
        per_second=beats / result.seconds,
        p50=percentile(ordered, 0.50) * 1000,
        p99=percentile(ordered, 0.99) * 1000,
    )


def medians(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        *(
            median(getattr(one, name) for one in rounds)
            for name in ("cpu", "per_second", "p50", "p99")
        )
    )
