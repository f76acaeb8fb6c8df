"""What a storm showed."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.fleet import histogram
from benchmarks.storm.database import Verdict
from benchmarks.storm.plan import Plan

NAMES = 5


@dataclass
class Results:
    """Counts by request and status, 0 for no response; latencies in seconds from the due time.

    `seconds`: from the start until the last agent was registered. `lapsed`: agents without a
    response within their TTL. `forgotten`: agents whose heartbeats were refused although they were
    registered.
    """

    responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    living: "array[float]" = field(default_factory=lambda: array("d"))
    returned: "array[float]" = field(default_factory=lambda: array("d"))
    waits: Counter[int] = field(default_factory=Counter)
    lapsed: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    registered: int = 0
    seconds: float = 0.0
    verdict: Verdict | None = None

    @property
    def lost(self) -> set[str]:
        return set(self.verdict.lost) if self.verdict else set()

    @property
    def false_expiries(self) -> set[str]:
        found = self.lapsed | self.forgotten
        return found | {*self.verdict.expired, *self.verdict.purged} if self.verdict else found

    def is_good(self, plan: Plan) -> bool:
        in_time = self.registered >= plan.agents and self.seconds <= plan.seconds_allowed
        return in_time and self.verdict is not None and not self.lost and not self.false_expiries

    def line(self) -> str:
        return (
            f"{self.registered:,} registered in {self.seconds:.1f} s, "
            f"{len(self.false_expiries):,} false expiries, {len(self.lost):,} lost"
        )

    def details(self) -> str:
        responses = sorted(self.responses.items())
        waits = sorted(self.waits.items())
        counted = ", ".join(f"{what} {status or 'none'}: {n:,}" for (what, status), n in responses)
        lines = [
            f"responses        {counted}",
            f"Retry-After      {', '.join(f'{s} s: {n:,}' for s, n in waits) or 'none'}",
            f"heartbeats of those that live on   {histogram.line(self.living)}",
            f"heartbeats of those that are back  {histogram.line(self.returned)}",
            f"no response within the TTL         {_named(self.lapsed)}",
            f"refused although registered        {_named(self.forgotten)}",
        ]
        if self.verdict:
            lines += [
                f"expired in the database            {_named(self.verdict.expired)}",
                f"purged in the database             {_named(self.verdict.purged)}",
                f"acknowledged, but lost             {_named(self.verdict.lost)}",
            ]
        return "\n".join(lines)


def _named(agents: set[str] | Sequence[str]) -> str:
    more = ", ..." if len(agents) > NAMES else ""
    return f"{len(agents):,}: {', '.join(sorted(agents)[:NAMES])}{more}" if agents else "none"
