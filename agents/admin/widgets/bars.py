from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from agents.admin.widgets.times import in_zone
from agents.durations import in_words
from agents.history.timeline import Presence, Span

CELLS = 360
BAR = 20
HEIGHTS = {Presence.UNKNOWN: 2, Presence.ALIVE: 14, Presence.GAP: BAR}
ORDER = {Presence.UNKNOWN: 0, Presence.ALIVE: 1, Presence.GAP: 2}
WORDS = {Presence.UNKNOWN: "Unknown", Presence.ALIVE: "Alive", Presence.GAP: "Not alive"}


@dataclass(frozen=True)
class Shape:
    x: int
    width: int
    presence: Presence
    title: str

    @property
    def height(self) -> int:
        return HEIGHTS[self.presence]

    @property
    def y(self) -> int:
        return (BAR - self.height) // 2


def shapes(spans: Sequence[Span], begin: datetime, end: datetime) -> Iterator[Shape]:
    cells = [(Presence.UNKNOWN, 0, 0)] * CELLS
    for number, span in enumerate(spans):
        first = (span.begin - begin) * CELLS // (end - begin)
        behind = -((begin - span.end) * CELLS // (end - begin))
        for cell in range(first, behind):
            presence, earliest, _ = cells[cell]
            if span.presence is presence:
                cells[cell] = (presence, earliest, number)
            elif ORDER[span.presence] > ORDER[presence]:
                cells[cell] = (span.presence, number, number)
    x = 0
    for presence, run in groupby(cells, key=lambda cell: cell[0]):
        drawn = list(run)
        covered = spans[drawn[0][1] : drawn[-1][2] + 1]
        alike = [span for span in covered if span.presence is presence]
        yield Shape(x, len(drawn), presence, _title(alike))
        x += len(drawn)


def _title(drawn: Sequence[Span]) -> str:
    first, last = drawn[0], drawn[-1]
    lasted = sum((span.duration for span in drawn), timedelta(0)).total_seconds()
    words = f"{WORDS[first.presence]} for {in_words(lasted)}"
    times = f", in {len(drawn)} parts" if len(drawn) > 1 else ""
    return f"{words}{times}: {in_zone(first.begin)} to {in_zone(last.end)}"
