"""``python -m agent_runtime``: serve the agent whose folder this package is in."""

import gc
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Nothing that is imported becomes garbage: without the collector, imports take a fifth less.
    gc.disable()
    # As the first process of a container, Python ignores SIGTERM until there is a handler for it.
    # During the imports below there is nothing to clean up yet.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    from .server import main

    gc.freeze()
    gc.enable()
    sys.exit(main(Path(__file__).resolve().parents[1]))
