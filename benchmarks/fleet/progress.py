"""Progress: a bar on a terminal, lines elsewhere."""

import time
from typing import TextIO

BAR = 24
# Seconds between two updates, on a terminal and elsewhere.
BAR_SECONDS, LINE_SECONDS = 0.2, 5.0


class Progress:
    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._next = 0.0
        self._width = 0

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def show(self, what: str, share: float, details: str) -> None:
        """Show it now. Check `is_due` first to limit the rate."""
        share = min(1.0, max(0.0, share))
        if not self._is_terminal:
            self._next = time.monotonic() + LINE_SECONDS
            print(f"{what} {share:4.0%}  {details}", file=self._output, flush=True)
            return
        self._next = time.monotonic() + BAR_SECONDS
        filled = round(share * BAR)
        line = f"{what} [{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%}  {details}"
        print(f"\r{line:<{self._width}}", end="", file=self._output, flush=True)
        self._width = len(line)

    def finish(self) -> None:
        if self._is_terminal and self._width:
            print(file=self._output, flush=True)
        self._next, self._width = 0.0, 0
