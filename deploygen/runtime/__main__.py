import gc
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Imports leave no garbage, and take a fifth less without the collector.
    gc.disable()
    # Some plugins read Pydantic's source, which the image does not have.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # PID 1 would ignore SIGTERM during the imports.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    from .server import main

    gc.freeze()
    gc.enable()
    sys.exit(main(Path(__file__).resolve().parents[1]))
