import io
import os
import select
from collections.abc import Mapping, Sequence

LONGEST_LINE_BYTES = 64 * 1024
OWN_NAME = "system"
OWN_COLOUR = 1
COLOURS = (36, 33, 35, 32, 34)  # cyan, yellow, magenta, green, blue


class Console:
    """Lines begin with a prefix such as ``web    | ``.

    `output` is unbuffered, so nothing is left in it when its reader is gone.
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
        """Raise OSError if nobody reads."""
        prefix = self._prefixes[name]
        text = b"".join(prefix + line.rstrip() + b"\n" for line in lines if line.strip())
        rest = memoryview(text)
        while rest:
            written = self._output.write(rest)
            if written is None:
                select.select([], [self._output], [])
            else:
                rest = rest[written:]


class Lines:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
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
