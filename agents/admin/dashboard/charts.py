"""The chart of the living over time, as SVG that is stretched to the width of the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents.admin.dashboard.scale import Scale, in_short, scale_for
from agents.admin.dashboard.slots import Slot
from agents.admin.dashboard.spans import Span
from agents.history.activity import Bucket

# Pixels.
TOP, PLOT, LANE, GAP, TIMES = 8, 148, 24, 10, 22
LABELS = 74
# Of a lane's height, so that one can be seen beside a thousand.
SHORTEST_MARK = 16
LANES = (("deaths", "expiries"), ("restarts", "restarts"), ("heartbeats", "heartbeats"))
HEIGHT = TOP + PLOT + len(LANES) * (GAP + LANE) + TIMES


@dataclass(frozen=True)
class Chart:
    """`buckets`: one for each slot of the span."""

    span: Span
    buckets: Sequence[Bucket]

    @cached_property
    def slots(self) -> list[Slot]:
        last = self.buckets[-1]
        history = reverse("admin:agents_agentevent_changelist")
        return [Slot(each, self.span, each is last, history) for each in self.buckets]

    @property
    def totals(self) -> list[tuple[str, str]]:
        """With the names that select their colours."""
        return [(name, f"{self.total(column):,}") for name, column in LANES]

    def total(self, column: str) -> int:
        return sum(getattr(each, column) for each in self.buckets)

    @property
    def description(self) -> str:
        known = [(one.lowest, one.highest) for one in self.buckets if one.lowest is not None]
        alive = "The number of living agents is unknown."
        if known:
            low, high = min(low for low, _ in known), max(high or 0 for _, high in known)
            alive = f"{low:,} to {high:,} agents were alive." if low < high else f"{low:,} alive."
        return (
            f"In the {self.span.title}: {alive} {self.total('expiries'):,} deaths,"
            f" {self.total('restarts'):,} restarts, {self.total('deregistrations'):,} stopped."
        )

    @property
    def scale(self) -> Scale:
        return scale_for(max((one.highest or 0 for one in self.buckets), default=0))

    @property
    def labels(self) -> SafeString:
        """Return the numbers and names at the left."""
        numbers = (
            (_short(TOP + PLOT * self.scale.share(at)), in_short(at)) for at in self.scale.ticks
        )
        names = (
            (_short(_lane_top(place) + LANE / 2), name) for place, (name, _) in enumerate(LANES)
        )
        return format_html(
            '<svg class="living-labels" width="{}" height="{}" aria-hidden="true">{}</svg>',
            LABELS,
            HEIGHT,
            format_html_join(
                "",
                '<text x="{}" y="{}" dy="0.32em" text-anchor="end">{}</text>',
                ((LABELS - 8, y, text) for y, text in (*numbers, *names)),
            ),
        )

    @property
    def svg(self) -> SafeString:
        number = len(self.buckets)
        lanes = format_html_join(
            "",
            '<svg class="living-{}" y="{}" width="100%" height="{}" viewBox="0 0 {} 100"'
            ' preserveAspectRatio="none">{}</svg>',
            (
                (name, _lane_top(place), LANE, number, self._marks(column))
                for place, (name, column) in enumerate(LANES)
            ),
        )
        return format_html(
            '<svg class="living-svg" role="img" width="100%" height="{}"'
            ' aria-labelledby="living-name living-text"><title id="living-name">Living agents,'
            ' {}</title><desc id="living-text">{}</desc>{}<svg y="{}" width="100%" height="{}"'
            ' viewBox="0 0 {} 1000" preserveAspectRatio="none">{}</svg>{}{}</svg>',
            HEIGHT,
            self.span.title,
            self.description,
            self._grid(),
            TOP,
            PLOT,
            number,
            format_html_join("", '<path class="{}" d="{}"/>', self._paths()),
            lanes,
            self._times(),
        )

    def _grid(self) -> SafeString:
        ticks = [_short(TOP + PLOT * self.scale.share(tick)) for tick in self.scale.ticks]
        bottoms = [_short(_lane_top(place) + LANE) for place in range(len(LANES))]
        return format_html_join(
            "",
            '<line class="chart-line" x1="0" x2="100%" y1="{}" y2="{}"/>',
            ((y, y) for y in (*ticks, *bottoms)),
        )

    def _paths(self) -> Iterator[tuple[str, str]]:
        """Yield an area, the band above it and its edge for each stretch that is known."""
        places = enumerate(self.buckets)
        for is_known, run in groupby(places, key=lambda one: one[1].lowest is not None):
            if not is_known:
                continue
            steps = list(run)
            lows = [(place, self._y(one.lowest or 0)) for place, one in steps]
            highs = [(place, self._y(one.highest or 0)) for place, one in steps]
            begin, end = steps[0][0], steps[-1][0] + 1
            edge = _steps(lows)
            back = " ".join(f"L{place + 1} {y} L{place} {y}" for place, y in reversed(highs))
            yield "living-area", f"M{begin} 1000 L{edge} L{end} 1000 Z"
            yield "living-band", f"M{edge} {back} Z"
            yield "living-edge", f"M{edge}"

    def _y(self, number: int) -> str:
        return _short(1000 * self.scale.share(number))

    def _marks(self, column: str) -> SafeString:
        counts = [getattr(each, column) for each in self.buckets]
        most = max(counts, default=0)
        heights = [max(100 * count / most, SHORTEST_MARK) if count else 0 for count in counts]
        return format_html_join(
            "",
            '<rect x="{}" y="{}" width="0.76" height="{}"/>',
            (
                (_short(place + 0.12), _short(100 - height), _short(height))
                for place, height in enumerate(heights)
                if height
            ),
        )

    def _times(self) -> SafeString:
        number = len(self.buckets)
        texts = (
            (_short(100 * place / number), HEIGHT - 6, text)
            for place, text in self.span.labels([each.begin for each in self.buckets])
        )
        return format_html_join(
            "", '<text class="chart-time" x="{}%" y="{}" text-anchor="middle">{}</text>', texts
        )


def _lane_top(place: int) -> int:
    return TOP + PLOT + GAP + place * (LANE + GAP)


def _steps(points: Sequence[tuple[int, str]]) -> str:
    return " L".join(f"{place} {y} L{place + 1} {y}" for place, y in points)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
