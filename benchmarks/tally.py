"""What came back from a registry that is being measured."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What came back so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    false_expiries: set[str] = field(default_factory=set)

    @property
    def clean(self) -> bool:
        return not (
            self.failures or self.false_expiries or any(status >= 400 for status in self.statuses)
        )

    def line(self, name: str) -> str:
        """Return count and latencies of one kind of request, in milliseconds."""
        times = sorted(self.latencies.get(name, []))
        if not times:
            return f"{name:<12} none"
        p50, p99 = (times[int(share * (len(times) - 1))] * 1000 for share in (0.5, 0.99))
        return (
            f"{name:<12} {len(times):>7}   p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   "
            f"max {times[-1] * 1000:7.1f} ms"
        )


def report(tally: Tally) -> None:
    """Print all figures and the verdict."""
    print()
    for name in ("register", "heartbeat", "list", "deregister"):
        print(tally.line(name))
    print(
        "answers      ", ", ".join(f"{status}: {n}" for status, n in sorted(tally.statuses.items()))
    )
    print(
        "no answer    ", ", ".join(f"{what}: {n}" for what, n in tally.failures.items()) or "none"
    )
    print("false expiry ", ", ".join(sorted(tally.false_expiries)[:5]) or "none")
    print("verdict      ", "clean" if tally.clean else "FAILED")
