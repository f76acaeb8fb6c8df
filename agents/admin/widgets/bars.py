"""A timeline as a bar: few shapes, however many spans there are, with every gap to be seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from agents.durations import exactly, in_words
from agents.history.timeline import Span, Was

# A bar has so many cells: a gap fills at least one, be it as short as it may.
CELLS = 360
# What differs, differs without its colour too.
BAR = 20
HEIGHTS = {Was.UNKNOWN: 2, Was.ALIVE: 14, Was.GAP: BAR}
# What is drawn over what, where a cell has several.
ORDER = {Was.UNKNOWN: 0, Was.ALIVE: 1, Was.GAP: 2}
WORDS = {Was.UNKNOWN: "Not known", Was.ALIVE: "Alive", Was.GAP: "Not alive"}


@dataclass(frozen=True)
class Shape:
    """Cells from `x` on, `width` of them."""

    x: int
    width: int
    was: Was
    title: str

    @property
    def height(self) -> int:
        return HEIGHTS[self.was]

    @property
    def y(self) -> int:
        return (BAR - self.height) // 2


def shapes(spans: Sequence[Span], begin: datetime, end: datetime) -> Iterator[Shape]:
    """Give the shapes of a bar from `begin` to `end`, which `spans` fill."""
    cells = [(Was.UNKNOWN, 0, 0)] * CELLS
    for number, span in enumerate(spans):
        first = (span.begin - begin) * CELLS // (end - begin)
        behind = -((begin - span.end) * CELLS // (end - begin))
        for cell in range(first, behind):
            was, earliest, _ = cells[cell]
            if span.was is was:
                cells[cell] = (was, earliest, number)
            elif ORDER[span.was] > ORDER[was]:
                cells[cell] = (span.was, number, number)
    x = 0
    for was, run in groupby(cells, key=lambda cell: cell[0]):
        drawn = list(run)
        of_the_run = spans[drawn[0][1] : drawn[-1][2] + 1]
        yield Shape(x, len(drawn), was, _title([span for span in of_the_run if span.was is was]))
        x += len(drawn)


def _title(drawn: Sequence[Span]) -> str:
    first, last = drawn[0], drawn[-1]
    lasted = sum((span.lasted for span in drawn), timedelta(0)).total_seconds()
    words = f"{WORDS[first.was]} for {in_words(lasted)}"
    times = f", in {len(drawn)} parts" if len(drawn) > 1 else ""
    return f"{words}{times}: {exactly(first.begin)} to {exactly(last.end)}"
