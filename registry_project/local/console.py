"""The output of several processes in one terminal."""

import io
import os
import select
from collections.abc import Mapping, Sequence

LONGEST_LINE_BYTES = 64 * 1024  # a longer one is printed in pieces
OWN_NAME = "system"
OWN_COLOUR = 1  # bold
COLOURS = (36, 33, 35, 32, 34)  # cyan, yellow, magenta, green, blue


class Console:
    """Writes lines with a prefix such as ``web    | ``; `OWN_NAME` is the supervisor's.

    `output` is unbuffered, so nothing is left in it when its reader has gone.
    """

    def __init__(self, output: io.FileIO, names: Sequence[str], *, coloured: bool = False) -> None:
        width = max(len(name) for name in [OWN_NAME, *names])
        colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
        colours[OWN_NAME] = OWN_COLOUR
        template = "\x1b[{colour}m{name} |\x1b[0m " if coloured else "{name} | "
        self._prefixes = {
            name: template.format(colour=colour, name=name.ljust(width)).encode()
            for name, colour in colours.items()
        }
        self._output = output

    def write(self, name: str, lines: Sequence[bytes]) -> None:
        """Print lines of a process, except empty ones. Raise OSError if nobody reads them."""
        prefix = self._prefixes[name]
        text = b"".join(prefix + line.rstrip() + b"\n" for line in lines if line.strip())
        rest = memoryview(text)
        while rest:
            written = self._output.write(rest)
            if written is None:  # non-blocking, and full
                select.select([], [self._output], [])
            else:
                rest = rest[written:]


class Lines:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that the chunk completes, without line ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) >= LONGEST_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def finish(self) -> list[bytes]:
        lines, self._rest = [self._rest] if self._rest else [], b""
        return lines


def wants_colour(output: io.FileIO, environment: Mapping[str, str]) -> bool:
    return (
        os.isatty(output.fileno())
        and not environment.get("NO_COLOR")
        and environment.get("TERM") != "dumb"
    )
