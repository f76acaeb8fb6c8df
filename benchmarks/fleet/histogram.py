"""Histograms of latencies, as text and as SVG. Latencies are in seconds."""

import bisect
from collections.abc import Sequence

from benchmarks.latencies import percentile

# Milliseconds, each twice the previous one.
BOUNDS = [2.0**power for power in range(-1, 15)]
BAR = 50
COLUMN, HEIGHT, MARGIN = 48, 220, 40
STYLE = "font-family:system-ui,sans-serif;font-size:10px"


def line(latencies: Sequence[float]) -> str:
    """Return the percentiles in milliseconds."""
    if not latencies:
        return "none"
    ordered = sorted(latencies)
    p50, p99, p999 = (percentile(ordered, share) * 1000 for share in (0.5, 0.99, 0.999))
    return f"p50 {p50:.1f}, p99 {p99:.1f}, p99.9 {p999:.1f}, max {ordered[-1] * 1000:.1f} ms"


def text(latencies: Sequence[float]) -> str:
    longest = max((count for _, count in buckets(latencies)), default=0)
    return "\n".join(
        f"{label:>12} ms  {'#' * max(1, round(count / longest * BAR)) if count else '':<{BAR}}  "
        f"{count / len(latencies):6.2%}"
        for label, count in buckets(latencies)
    )


def svg(latencies: Sequence[float]) -> str:
    found = buckets(latencies)
    longest = max((count for _, count in found), default=1)
    width = 2 * MARGIN + COLUMN * len(found)
    size = f'viewBox="0 0 {width} {HEIGHT + 2 * MARGIN}" width="{width}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="{STYLE}">',
        "<title>Latency of heartbeats, in milliseconds</title>",
        f'<rect width="{width}" height="{HEIGHT + 2 * MARGIN}" fill="#ffffff"/>',
    ]
    wide = f'width="{COLUMN - 4}"'
    for number, (label, count) in enumerate(found):
        x, height = MARGIN + number * COLUMN, count / longest * HEIGHT
        top = MARGIN + HEIGHT - height
        middle = f'x="{x + COLUMN / 2 - 2:.0f}" text-anchor="middle"'
        share = f"{count / len(latencies):.1%}"
        parts += [
            f'<rect x="{x}" y="{top:.1f}" {wide} height="{height:.1f}" fill="#2563eb"/>',
            f'<text {middle} y="{top - 4:.1f}">{share}</text>',
            f'<text {middle} y="{MARGIN + HEIGHT + 14}">{label}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def buckets(latencies: Sequence[float]) -> list[tuple[str, int]]:
    """Return labels and counts, from the first bucket that is not empty to the last."""
    counts = [0] * (len(BOUNDS) + 1)
    for latency in latencies:
        counts[bisect.bisect_right(BOUNDS, latency * 1000)] += 1
    used = [number for number, count in enumerate(counts) if count]
    if not used:
        return []
    return [(_label(number), counts[number]) for number in range(used[0], used[-1] + 1)]


def _label(number: int) -> str:
    if number == len(BOUNDS):
        return f"over {BOUNDS[-1]:g}"
    return f"{BOUNDS[number - 1] if number else 0:g}-{BOUNDS[number]:g}"
