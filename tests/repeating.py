"""Call functions repeatedly in threads while the body of a `with` runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(*functions: Callable[[], None], pause: float) -> Iterator[None]:
    """Call each function every `pause` seconds, in a thread of its own, until the body ends."""
    stopped = threading.Event()

    def repeat(function: Callable[[], None]) -> None:
        while not stopped.wait(pause):
            function()

    threads = [threading.Thread(target=repeat, args=[each], daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
