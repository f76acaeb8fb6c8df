"""Percentiles of latencies."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the percentile for `share` (0 to 1). `ordered` must be sorted and not empty."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
