"""Tables of text for terminals and pipes."""

import itertools
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.management.base import OutputWrapper
from django.core.management.color import Style, no_style

GAP = "  "
NOTHING = "-"
CUT = "…"
# Longer ones do not widen the first column: on a terminal, beyond this share of its width, they
# get a line of their own; elsewhere, beyond so many characters, they push the rest of their line.
WIDEST_FIRST = 0.4
WIDEST_FIRST_UNLIMITED = 64

Row = Sequence[str]


@dataclass(frozen=True)
class Column:
    """What to do where room is short, and how to colour a cell.

    `least`: the column may shrink to this width; None: never. `optional`: where the others have
    shrunk and it is still too much, it may be left out.
    """

    title: str
    least: int | None = None
    optional: bool = False
    paint: Callable[[str], str] = str


@dataclass
class Table:
    """Rows under titles.

    `width`: what the lines are fitted to, None for no limit. The first column is never cut, nor
    are others that do not say how far they may shrink: where even that does not fit, lines are
    too long.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    width: int | None = None

    def lines(self) -> Iterator[str]:
        titles = [column.title for column in self.columns]
        rows = [[visible(cell) or NOTHING for cell in row] for row in self.rows]
        widths = self._fitted(self._natural([titles, *rows]))
        yield from self._row_lines(titles, widths, painted=False)
        for row in rows:
            yield from self._row_lines(row, widths, painted=True)

    def _natural(self, rows: Sequence[Row]) -> list[int]:
        """Return the widths that show all, but for outliers in the first column."""
        widest = WIDEST_FIRST_UNLIMITED if self.width is None else int(self.width * WIDEST_FIRST)
        first, *rest = ([columns_of(cell) for cell in cells] for cells in zip(*rows, strict=True))
        return [max(width for width in first if width <= max(widest, first[0])), *map(max, rest)]

    def _fitted(self, widths: list[int]) -> list[int]:
        """Return the widths that fit; 0 leaves a column out."""
        if self.width is None:
            return widths
        optional = [index for index, column in enumerate(self.columns) if column.optional]
        while True:
            excess = sum(widths) + len(GAP) * (len(widths) - widths.count(0) - 1) - self.width
            fitted = list(widths)
            for index in reversed(range(len(widths))):
                least = self.columns[index].least
                if excess > 0 and least is not None and widths[index] > least:
                    fitted[index] = max(least, widths[index] - excess)
                    excess -= widths[index] - fitted[index]
            if excess <= 0 or not optional:
                return fitted
            widths = [*widths]
            widths[optional.pop()] = 0

    def _row_lines(self, row: Row, widths: Sequence[int], *, painted: bool) -> Iterator[str]:
        first = row[0]
        if self.width is not None and columns_of(first) > widths[0]:
            yield first
            first = ""
        cells = [first.ljust(widths[0])]
        for column, text, width in list(zip(self.columns, row, widths, strict=True))[1:]:
            if width:
                shown = cut(text, width)
                padding = " " * (width - columns_of(shown))
                cells.append((column.paint(shown) if painted else shown) + padding)
        yield GAP.join(cells).rstrip()


def write_table(
    stdout: OutputWrapper,
    style: Style,
    columns: Callable[[Style], Sequence[Column]],
    rows: Sequence[Row],
) -> None:
    """Write a command's table: as wide as the terminal, and in colours, if it is one."""
    is_terminal = stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    painting = style if is_terminal and not os.environ.get("NO_COLOR") else no_style()
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    for line in Table(columns(painting), rows, width).lines():
        stdout.write(line.encode(encoding, "replace").decode(encoding))


def visible(text: str) -> str:
    """Return `text` with "?" for what would not be shown but obeyed, such as escape sequences."""
    return "".join(character if character.isprintable() else "?" for character in text)


def columns_of(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def cut(text: str, width: int) -> str:
    """Return as much of `text` as goes into `width` columns, with a mark where it was cut."""
    if columns_of(text) <= width:
        return text
    ends = itertools.accumulate(map(_columns_of, text))
    return text[: sum(end <= width - len(CUT) for end in ends)] + CUT


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
