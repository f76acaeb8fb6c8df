"""Text tables: fitted and coloured on a terminal, plain and whole in a pipe."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.management.base import OutputWrapper
from django.core.management.color import Style, no_style
from wcwidth import clip, ljust, width

GAP = "  "
EMPTY = "-"
CUT = "…"
# Longer cells get their own line on a terminal.
MAX_FIRST_SHARE = 0.4
MAX_FIRST_IN_PIPE = 64

Row = Sequence[str]


@dataclass(frozen=True)
class Column:
    """`min_width`: how far it may shrink. `optional`: left out if that is not enough."""

    title: str
    min_width: int | None = None
    optional: bool = False
    colour: Callable[[str], str] = str


@dataclass
class Table:
    """`max_width` is exceeded if columns cannot shrink."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    max_width: int | None = None

    def lines(self) -> Iterator[str]:
        titles = [column.title for column in self.columns]
        rows = [[printable(cell) or EMPTY for cell in row] for row in self.rows]
        widths = self._fitted(self._natural([titles, *rows]))
        yield from self._row_lines(titles, widths, coloured=False)
        for row in rows:
            yield from self._row_lines(row, widths, coloured=True)

    def _natural(self, rows: Sequence[Row]) -> list[int]:
        most = (
            MAX_FIRST_IN_PIPE if self.max_width is None else int(self.max_width * MAX_FIRST_SHARE)
        )
        first, *rest = ([width(cell) for cell in cells] for cells in zip(*rows, strict=True))
        return [max(cell for cell in first if cell <= max(most, first[0])), *map(max, rest)]

    def _fitted(self, widths: list[int]) -> list[int]:
        if self.max_width is None:
            return widths
        optional = [index for index, column in enumerate(self.columns) if column.optional]
        while True:
            gaps = len(GAP) * (len(widths) - widths.count(0) - 1)
            excess = sum(widths) + gaps - self.max_width
            fitted = list(widths)
            for index in reversed(range(len(widths))):
                least = self.columns[index].min_width
                if excess > 0 and least is not None and widths[index] > least:
                    fitted[index] = max(least, widths[index] - excess)
                    excess -= widths[index] - fitted[index]
            if excess <= 0 or not optional:
                return fitted
            widths = [*widths]
            widths[optional.pop()] = 0

    def _row_lines(self, row: Row, widths: Sequence[int], *, coloured: bool) -> Iterator[str]:
        first, *rest = zip(self.columns, row, widths, strict=True)
        text = first[1]
        if self.max_width is not None and width(text) > widths[0]:
            yield text
            text = ""
        cells = [ljust(text, widths[0])]
        for column, cell, cell_width in rest:
            if cell_width:
                cut = shorten(cell, cell_width)
                padding = " " * (cell_width - width(cut))
                cells.append((column.colour(cut) if coloured else cut) + padding)
        yield GAP.join(cells).rstrip()


def write_table(
    stdout: OutputWrapper,
    style: Style,
    columns: Callable[[Style], Sequence[Column]],
    rows: Sequence[Row],
) -> None:
    is_terminal = stdout.isatty()
    max_width = shutil.get_terminal_size().columns if is_terminal else None
    colours = style if is_terminal and not os.environ.get("NO_COLOR") else no_style()
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    for line in Table(columns(colours), rows, max_width).lines():
        stdout.write(line.encode(encoding, "replace").decode(encoding))


def printable(text: str) -> str:
    """Replace escape sequences and the like by "?"."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shorten(text: str, max_width: int) -> str:
    if width(text) <= max_width:
        return text
    return clip(text, 0, max_width - len(CUT)).rstrip() + CUT
