"""Charts as SVG. Lengths are percentages, so that text keeps its size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from agents.admin.dashboard.scale import Scale, in_short, scale_for

# Pixels.
HEIGHT, TOP, PLOT = 214, 12, 172
# Percent of the width left of the plot; share of a slot that its bar fills.
LEFT, BAR = 9.0, 0.76
MARGIN = 2.5


@dataclass(frozen=True)
class Series:
    """`name`: a plural, which selects the colour. `counts`: one per slot."""

    name: str
    counts: Sequence[int]
    below_zero: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def total_in_words(self) -> str:
        return f"{self.total:,}"


@dataclass(frozen=True)
class Chart:
    """`span`: such as "last hour". `per`: such as "minute". The last slot is not over yet."""

    key: str
    title: str
    span: str
    per: str
    slot: timedelta
    labelled: timedelta
    begins: Sequence[datetime]
    series: Sequence[Series]

    @property
    def is_empty(self) -> bool:
        return not any(series.total for series in self.series)

    @property
    def scale(self) -> Scale:
        return scale_for(_highest(self, below_zero=False), _highest(self, below_zero=True))

    @property
    def description(self) -> str:
        if self.is_empty:
            return f"No activity in the {self.span}."
        totals = ", ".join(f"{one.total:,} {one.name}" for one in self.series)
        most = max(self.series, key=lambda one: max(one.counts))
        at = clock(self.begins[list(most.counts).index(max(most.counts))])
        return f"In the {self.span}: {totals}. Most: {max(most.counts):,} {most.name} at {at}."

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        counts = zip(*(one.counts for one in self.series), strict=True)
        return [(clock(begin), list(row)) for begin, row in zip(self.begins, counts, strict=True)]

    @property
    def svg(self) -> SafeString:
        return draw(self)


def clock(at: datetime) -> str:
    return localtime(at).strftime("%H:%M")


def draw(chart: Chart) -> SafeString:
    """Ids begin with `chart.key`."""
    scale = chart.scale
    return format_html(
        '<svg class="chart" role="img" width="100%" height="{}" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}, {}, by the {}</title><desc id="{}-desc">{}</desc>{}{}'
        '<svg x="{}%" y="{}" width="{}%" height="{}" overflow="visible">{}{}</svg></svg>',
        HEIGHT,
        chart.key,
        chart.key,
        chart.key,
        chart.title,
        chart.span,
        chart.per,
        chart.key,
        chart.description,
        _numbers(scale),
        _times(chart),
        LEFT,
        TOP,
        100 - LEFT,
        PLOT,
        _grid(scale),
        format_html_join("", "{}", ((slot,) for slot in _slots(chart, scale))),
    )


def _highest(chart: Chart, *, below_zero: bool) -> int:
    stacked = [one.counts for one in chart.series if one.below_zero is below_zero]
    return max(map(sum, zip(*stacked, strict=True)), default=0)


def _numbers(scale: Scale) -> SafeString:
    labels = ((TOP + PLOT * scale.share(tick), in_short(abs(tick))) for tick in scale.ticks)
    return format_html_join(
        "",
        '<text class="chart-number" x="{}%" y="{}" dy="0.32em" text-anchor="end">{}</text>',
        ((LEFT - 1.5, _short(y), label) for y, label in labels),
    )


def _times(chart: Chart) -> SafeString:
    labels = []
    for place, begin in enumerate(chart.begins):
        x = LEFT + (100 - LEFT) * place / len(chart.begins)
        midnight = localtime(begin).replace(hour=0, minute=0, second=0, microsecond=0)
        is_round = (localtime(begin) - midnight) % chart.labelled < chart.slot
        if is_round and LEFT + MARGIN <= x <= 100 - MARGIN:
            labels.append((_short(x), HEIGHT - 10, clock(begin)))
    return format_html_join(
        "", '<text class="chart-time" x="{}%" y="{}" text-anchor="middle">{}</text>', labels
    )


def _grid(scale: Scale) -> SafeString:
    lines = (
        (f"{_short(100 * scale.share(tick))}%", "chart-line" if tick else "chart-zero")
        for tick in scale.ticks
    )
    return format_html_join(
        "",
        '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
        ((kind, y, y) for y, kind in lines),
    )


def _slots(chart: Chart, scale: Scale) -> Iterator[SafeString]:
    width = 100 / len(chart.begins)
    last = len(chart.begins) - 1
    for place, begin in enumerate(chart.begins):
        counts = [(one, one.counts[place]) for one in chart.series]
        values = "; ".join(f"{one.name} {count:,}" for one, count in counts)
        until = "now" if place == last else clock(begin + chart.slot)
        yield format_html(
            '<g class="chart-slot{}"><title>{} to {}: {}</title>'
            '<rect class="chart-hit" x="{}%" y="0" width="{}%" height="100%"/>{}</g>',
            " chart-unfinished" if place == last else "",
            clock(begin),
            until,
            values,
            _short(place * width),
            _short(width),
            _bars(counts, scale, x=(place + (1 - BAR) / 2) * width, width=width * BAR),
        )


def _bars(
    counts: Sequence[tuple[Series, int]], scale: Scale, *, x: float, width: float
) -> SafeString:
    above = below = 0
    bars = []
    for series, count in counts:
        if not count:
            continue
        if series.below_zero:
            top, below = -below, below + count
        else:
            above += count
            top = above
        share = count / (scale.top + scale.bottom)
        y = _short(100 * scale.share(top))
        bars.append((series.name, _short(x), y, _short(width), _short(100 * share)))
    return format_html_join(
        "", '<rect class="chart-{}" x="{}%" y="{}%" width="{}%" height="{}%"/>', bars
    )


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
