"""Ending the process, whatever its threads are doing, and what it has started."""

import atexit
import os
import sys
import threading

from .children import kill_children, terminate_children

# Seconds for the functions that atexit was given.
EXITING_SECONDS = 1.0
# Held by the thread that ends the process, never to be released: two threads may want to.
EXITING = threading.Lock()


def exit_now() -> None:
    """End the process with 0.

    The functions that atexit was given are called, within EXITING_SECONDS: an exporter that the
    handler uses may have something left to send. Processes that the handler has started, such as
    those of a pool, get SIGTERM before that, and are killed after it.
    """
    with EXITING:
        try:
            terminate_children()
            last = threading.Thread(target=_clean_up, name="exit", daemon=True)
            last.start()
            last.join(EXITING_SECONDS)
            kill_children()
        finally:  # although no thread could be started
            os._exit(0)


def _clean_up() -> None:
    _flush()  # first, since what follows may hang
    atexit._run_exitfuncs()  # noqa: SLF001 - a regular exit would wait for all threads
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
