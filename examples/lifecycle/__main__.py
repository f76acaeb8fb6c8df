"""``python -m examples.lifecycle``: exits with 0 if every step succeeded."""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

import httpx

from examples.lifecycle.demo import run_demo
from examples.lifecycle.registry import registry_at
from examples.lifecycle.steps import StepError, Steps


def main() -> int:
    parser = argparse.ArgumentParser(description="Watch an agent live and die in a registry.")
    parser.add_argument(
        "--registry-url",
        default="http://localhost:9000",
        help="use this registry if it runs, else start one (%(default)s)",
    )
    url = parser.parse_args().registry_url.rstrip("/")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    steps = Steps()
    try:
        with tempfile.TemporaryDirectory(prefix="registry-demo-") as folder:
            (registry_folder := Path(folder) / "registry").mkdir()
            with registry_at(url, registry_folder, steps) as registry:
                run_demo(registry, Path(folder), steps)
    except KeyboardInterrupt:
        return 130
    except (StepError, httpx.HTTPError, OSError, subprocess.SubprocessError):
        return 1  # the step has printed the error
    return 0


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Treat a signal like Ctrl-C, to stop programs and remove folders."""
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    sys.exit(main())
