"""``make agent-loop``: how soon run_agent serves an agent, and a change of its handler.

Uses the template that generate_agent --init writes. Exits with 1 if a limit is exceeded.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from deploygen.project.scaffold import write_scaffold
from tests.deploygen.local.development import Development, development
from tests.processes import wait_until

UP_SECONDS = 2.0
RELOADED_SECONDS = 1.0
STARTS = 3
CHANGES = 5


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scaffold(folder / "agent")
        _start(folder)  # installs the packages, if this is the first run
        up = statistics.median(_start(folder)[0] for _ in range(STARTS))
        reloaded = statistics.median(_start(folder, CHANGES)[1])
    print(f"up in {up:.2f} s; a change is served after {reloaded:.2f} s")
    return 0 if up <= UP_SECONDS and reloaded <= RELOADED_SECONDS else 1


def _start(folder: Path, changes: int = 0) -> tuple[float, list[float]]:
    """Return the seconds until the agent is ready, and until each change is served."""
    began = time.monotonic()
    with development(folder / "agent", folder / "log", "--no-registry") as agent:
        wait_until(agent.is_ready, "readiness", seconds=300)
        up = time.monotonic() - began
        served = [_change(agent, number) for number in range(changes)]
        agent.stop()
    return up, served


def _change(agent: Development, number: int) -> float:
    began = time.monotonic()
    agent.write(f"def handle(inputs):\n    return {{'words': [], 'count': {number}}}\n")

    def is_served() -> bool:
        response = agent.run(text="")
        return response is not None and response.is_success and response.json()["count"] == number

    wait_until(is_served, "the changed handler", seconds=60)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
