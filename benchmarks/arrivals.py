"""How soon many clients receive something."""

import selectors
import time

LONGEST_SECONDS = 60


def arrivals(
    selector: selectors.BaseSelector, count: int, text: bytes, started: float
) -> list[float]:
    """Return the sorted seconds from `started` until each of `count` sockets has `text`.

    Raises EOFError if one is closed.
    """
    found: list[float] = []
    while len(found) < count:
        for key, _ in selector.select(LONGEST_SECONDS):
            received = key.fileobj.recv(65_536)  # type: ignore[union-attr]
            if not received:
                raise EOFError("a stream has ended")
            if text in received:
                found.append(time.monotonic() - started)
    return found
