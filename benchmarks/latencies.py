"""Latencies: what share was answered within which time."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return what `share` (0 to 1) of the values are no longer than; `ordered` is not empty."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
