import atexit
import os
import sys
import threading

from ..captured import end_all_lines
from .children import kill_children, terminate_children

EXITING_SECONDS = 1.0
# Never released: two threads may exit.
EXITING = threading.Lock()


def exit_now() -> None:
    """Exit with 0 after atexit's functions: an exporter may have something to send.

    Children get SIGTERM before that, and are killed after it.
    """
    with EXITING:
        try:
            terminate_children()
            last = threading.Thread(target=_clean_up, name="exit", daemon=True)
            last.start()
            last.join(EXITING_SECONDS)
            kill_children()
        finally:  # even if no thread can start
            os._exit(0)


def _clean_up() -> None:
    _flush()  # first: the rest may hang
    atexit._run_exitfuncs()  # noqa: SLF001 - a regular exit waits for all threads
    _flush()


def _flush() -> None:
    end_all_lines()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
