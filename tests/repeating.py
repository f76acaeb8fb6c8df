"""Something that is done again and again, in threads, while the body of a `with` runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(*functions: Callable[[], None], pause: float) -> Iterator[None]:
    """Call each function every `pause` seconds, in a thread of its own, until the body ends."""
    enough = threading.Event()

    def go_on(function: Callable[[], None]) -> None:
        while not enough.wait(pause):
            function()

    threads = [threading.Thread(target=go_on, args=[each], daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join()
