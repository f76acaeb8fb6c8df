"""The end of the process, that nothing can put off."""

import atexit
import os
import sys
import threading

# Seconds for what is called at the very end.
EXITING_SECONDS = 1.0
# Held by the thread that ends the process: there may be two that want to.
EXITING = threading.Lock()


def exit_now() -> None:
    """End the process with 0, whatever its threads are doing.

    The functions that atexit was given are called (an exporter of a handler's may have something to
    send yet), and have EXITING_SECONDS.
    """
    with EXITING:  # and never let go
        try:
            last = threading.Thread(target=_put_in_order, name="exit", daemon=True)
            last.start()
            last.join(EXITING_SECONDS)
        finally:  # there may be no thread to be had
            os._exit(0)


def _put_in_order() -> None:
    _flush()  # first, since what follows may hang
    atexit._run_exitfuncs()  # noqa: SLF001 - to exit by the interpreter waits for all threads
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
