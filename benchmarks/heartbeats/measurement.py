"""Measures one round of a contestant. Rounds alternate, so that noise hits all contestants."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.cores import on_core
from benchmarks.cpu_time import cpu_nanoseconds
from benchmarks.heartbeats.contestants import Contestant
from benchmarks.heartbeats.load import Load
from benchmarks.latencies import percentile

WARM_UP_SECONDS = 0.5
NANOSECONDS = 1_000_000_000


class WrongResponses(Exception):
    """A contestant responded wrongly, so its figures are worthless."""


@dataclass(frozen=True)
class Figures:
    """`cpu`: CPU seconds of server and database per 1,000 heartbeats or registrations.

    `p50` and `p99`: milliseconds per request.
    """

    cpu: float
    per_second: float
    p50: float
    p99: float


def measure(contestant: Contestant, seconds: float, client_core: int) -> Figures:
    with on_core(client_core):
        warm_up = contestant.run(WARM_UP_SECONDS)
        before = cpu_nanoseconds(contestant.processes)
        result = contestant.run(seconds)
        used = cpu_nanoseconds(contestant.processes) - before
    if wrong := warm_up.wrong + result.wrong:
        details = ", ".join(f"{what}: {count}" for what, count in wrong.most_common(5))
        raise WrongResponses(f"{contestant.name} gave wrong responses ({details})")
    return figures(result, used, contestant.per_request)


def figures(result: Load, used_nanoseconds: int, per_request: float) -> Figures:
    done = result.right * per_request
    ordered = sorted(result.latencies)
    return Figures(
        cpu=used_nanoseconds / NANOSECONDS / done * 1000,
        per_second=done / result.seconds,
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
