"""Limits for the cost of our heartbeat, relative to the contestants."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from benchmarks.heartbeats.measurement import Figures
from benchmarks.heartbeats.open_loop.figures import Row

FLOORS = ("floor-uvicorn-32", "floor-granian-32")
HELLOS = ("hello-uvicorn", "hello-granian")  # in open loop


@dataclass(frozen=True)
class Ratio:
    """`value`: CPU time of `ours` divided by that of `theirs`; None if one is missing."""

    name: str
    ours: str
    theirs: str
    limit: float
    value: float | None = None
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it compares heartbeats in open loop."""
        return self.name.startswith("open-")

    @property
    def exceeds_limit(self) -> bool:
        return self.value is not None and self.value > self.limit

    @property
    def line(self) -> str:
        """The line that programs parse."""
        return f"ratio {self.name} {'missing' if self.value is None else format(self.value, '.3f')}"

    @property
    def verdict(self) -> str:
        if self.value is None:
            return f"{self.name}: missing, since {self.ours} or {self.theirs} was left out"
        verdict = "too much" if self.exceeds_limit else "ok"
        return f"{self.name}: {self.value:.3f} of at most {self.limit:g}: {verdict}{self.note}"


def ratios(measured: Mapping[str, Figures], open_loop: Iterable[Row] = ()) -> list[Ratio]:
    cpu = {name: figures.cpu for name, figures in measured.items()}
    distorted = set()
    for row in open_loop:
        if not row.fresh and row.seen is not None and row.seen.cpu is not None:
            name = open_name(row.name, row.rate)
            cpu[name] = row.seen.cpu
            if row.seen.generator_was_limit:
                distorted.add(name)
    floor = _cheapest(FLOORS, cpu)
    hello = _cheapest([open_name(name, 5_000) for name in HELLOS], cpu)
    wanted = [
        Ratio("etcd", "fast-32", "etcd-32", 0.40),
        Ratio("etcd-256", "fast-256", "etcd-256", 0.25),
        Ratio("naive", "fast-32", "naive-32", 0.035),
        Ratio("floor", "fast-32", floor, 3.5),
        Ratio("bulk-update", "bulk", "bare-update", 2.0),
        Ratio("register-naive", "register-256", "register-naive-256", 0.1),
        Ratio("open-hello", open_name("ours", 5_000), hello, 1.6),
        Ratio("open-etcd", open_name("ours", 2_000), open_name("etcd", 2_000), 0.5),
    ]
    return [_noted(_divided(ratio, cpu), distorted) for ratio in wanted]


def open_name(contestant: str, rate: int) -> str:
    """Return the name of a contestant in open loop with kept connections."""
    return f"{contestant}-open-{rate}"


def _cheapest(names: Sequence[str], cpu: Mapping[str, float]) -> str:
    return min((name for name in names if name in cpu), key=cpu.__getitem__, default=names[0])


def _divided(ratio: Ratio, cpu: Mapping[str, float]) -> Ratio:
    if ratio.ours not in cpu or ratio.theirs not in cpu:
        return ratio
    value = cpu[ratio.ours] / cpu[ratio.theirs]
    # Rounded as printed, so that the verdict matches the printed value.
    return Ratio(ratio.name, ratio.ours, ratio.theirs, ratio.limit, round(value, 3))


def _noted(ratio: Ratio, distorted: Set[str]) -> Ratio:
    if ratio.value is None or not distorted & {ratio.ours, ratio.theirs}:
        return ratio
    return replace(ratio, note=" (the load generator was the limit)")
