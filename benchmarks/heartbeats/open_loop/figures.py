"""What a run in open loop shows, and whether the server or the load generator was the limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.heartbeats.open_loop.sender import PATIENCE, OpenLoad
from benchmarks.latencies import percentile

NANOSECONDS = 1_000_000_000
# Of all heartbeats: so many must be answered rightly and in time.
HELD_SHARE = 0.99
# Seconds. A sender that is later than this for one heartbeat in a hundred distorts the figures.
MAX_DELAY = 0.005
# Of one core.
MAX_OWN_SHARE = 0.9


@dataclass(frozen=True)
class OpenFigures:
    """`cpu`: CPU seconds of server and database per 1,000 heartbeats; None if none was answered.

    `database`: the database's part of it.

    `p50` and `p99`: milliseconds from when a heartbeat was
    due until its response; `p99_delay`: until the load generator turned to it. `in_time`: the share
    that was answered rightly within PATIENCE. `own_cpu`: the load generator's, as `cpu`;
    `own_share`: its part of a core.
    """

    cpu: float | None
    database: float | None
    in_time: float
    p50: float
    p99: float
    p99_delay: float
    own_cpu: float
    own_share: float
    late: int
    unanswered: int
    wrong: str

    @property
    def holds(self) -> bool:
        """Whether the server holds the rate."""
        return self.in_time >= HELD_SHARE

    @property
    def generator_was_limit(self) -> bool:
        return self.p99_delay > MAX_DELAY * 1000 or self.own_share > MAX_OWN_SHARE

    @property
    def notes(self) -> str:
        return "; ".join(self._notes())

    def _notes(self) -> Iterator[str]:
        if not self.holds:
            yield f"does not hold the rate: {self.in_time:.1%} in time"
        if self.wrong:
            yield self.wrong
        if self.late:
            yield f"{self.late:,} later than {PATIENCE:g} s"
        if self.unanswered:
            yield f"{self.unanswered:,} unanswered"
        if self.generator_was_limit:
            yield f"the load generator was the limit: p99 {self.p99_delay:.1f} ms behind"


@dataclass(frozen=True)
class Row:
    """What was seen of a contestant at a rate; None if it was not tried.

    `fresh`: each heartbeat opened a connection.
    """

    name: str
    rate: int
    fresh: bool
    seen: OpenFigures | None

    @property
    def connections(self) -> str:
        return "fresh" if self.fresh else "kept"


def open_figures(load: OpenLoad, used: Sequence[int]) -> OpenFigures:
    """Return the figures of a load that `used` nanoseconds of CPU: the server's, the database's."""
    latencies = sorted(load.latencies) or [float("nan")]
    return OpenFigures(
        cpu=_per_1000(sum(used), load),
        database=_per_1000(sum(used[1:]), load) if len(used) > 1 else None,
        in_time=(load.right - load.late) / load.due,
        p50=percentile(latencies, 0.50) * 1000,
        p99=percentile(latencies, 0.99) * 1000,
        p99_delay=percentile(sorted(load.delays), 0.99) * 1000,
        own_cpu=load.own_cpu / load.due * 1000,
        own_share=load.own_cpu / load.seconds,
        late=load.late,
        unanswered=load.unanswered,
        wrong=", ".join(f"{count:,} of {what}" for what, count in load.wrong.most_common(3)),
    )


def _per_1000(nanoseconds: int, load: OpenLoad) -> float | None:
    return nanoseconds / NANOSECONDS / load.right * 1000 if load.right else None
