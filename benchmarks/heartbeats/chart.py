"""A bar chart with a logarithmic scale, as SVG."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

BAR, GAP = 18, 8
LABELS, WIDTH, NUMBERS = 150, 520, 70
TOP = 48
OURS, OTHERS = "#2563eb", "#94a3b8"
STYLE = "font-family:system-ui,sans-serif;font-size:12px"


def svg(title: str, bars: Sequence[tuple[str, float, bool]]) -> str:
    """Return a chart of bars: name, value above zero, and whether it is one of ours."""
    low = 10 ** math.floor(math.log10(min(value for _, value, _ in bars)))
    high = 10 ** math.ceil(math.log10(max(value for _, value, _ in bars)))
    decades = round(math.log10(high / low))

    def at(value: float) -> float:
        return LABELS + WIDTH * math.log10(value / low) / decades

    height = TOP + len(bars) * (BAR + GAP) + GAP
    whole = LABELS + WIDTH + NUMBERS
    size = f'viewBox="0 0 {whole} {height}" width="{whole}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{STYLE}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{whole}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for value in (low * 10**decade for decade in range(decades + 1)):
        parts += _grid_line(at(value), height - GAP, f"{value:g}")
    for number, (name, value, ours) in enumerate(bars):
        parts += _bar(name, TOP + number * (BAR + GAP), at(value), f"{value:.3g}", ours=ours)
    return "\n".join([*parts, "</svg>", ""])


def _grid_line(x: float, bottom: int, label: str) -> list[str]:
    place = f'x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"'
    return [
        f'<line {place} stroke="#e2e8f0"/>',
        f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle" fill="#64748b">{label}</text>',
    ]


def _bar(name: str, y: int, end: float, label: str, *, ours: bool) -> list[str]:
    place = f'x="{LABELS}" y="{y}" width="{end - LABELS:.1f}" height="{BAR}"'
    return [
        f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
        f'<rect {place} fill="{OURS if ours else OTHERS}"/>',
        f'<text x="{end + 6:.1f}" y="{y + 13}">{label}</text>',
    ]
