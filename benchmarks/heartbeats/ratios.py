"""Limits for the cost of our heartbeat, relative to the contestants."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.heartbeats.measurement import Figures

FLOORS = ("floor-uvicorn-32", "floor-granian-32")


@dataclass(frozen=True)
class Ratio:
    """`value`: CPU time of `ours` divided by that of `theirs`; None if one is missing."""

    name: str
    ours: str
    theirs: str
    limit: float
    value: float | None = None

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
        return f"{self.name}: {self.value:.3f} of at most {self.limit:g}: {verdict}"


def ratios(measured: Mapping[str, Figures]) -> list[Ratio]:
    floors = [name for name in FLOORS if name in measured]
    floor = min(floors, key=lambda name: measured[name].cpu, default=FLOORS[0])
    wanted = [
        Ratio("etcd", "fast-32", "etcd-32", 0.40),
        Ratio("etcd-256", "fast-256", "etcd-256", 0.25),
        Ratio("naive", "fast-32", "naive-32", 0.035),
        Ratio("floor", "fast-32", floor, 3.5),
        Ratio("bulk-etcd", "bulk", "etcd-32", 0.06),
    ]
    return [_divided(ratio, measured) for ratio in wanted]


def _divided(ratio: Ratio, measured: Mapping[str, Figures]) -> Ratio:
    if ratio.ours not in measured or ratio.theirs not in measured:
        return ratio
    value = measured[ratio.ours].cpu / measured[ratio.theirs].cpu
    # Rounded as printed, so that the verdict matches the printed value.
    return Ratio(ratio.name, ratio.ours, ratio.theirs, ratio.limit, round(value, 3))
