"""``python -m examples.webhooks``: exits with 0 if nothing was missed, and all was in order."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from examples.lifecycle.programs import MANAGE, PROJECT, free_port, manage, running
from examples.lifecycle.registry import EXTERNAL_SETTINGS, START_SECONDS
from examples.lifecycle.steps import StepError, Steps, poll
from examples.webhooks.counts import Counts, Event, count
from examples.webhooks.receiver import Receiver, receiving

AGENTS = 4  # of one round
KINDS = ("registered", "re-registered", "deregistered")
PAUSE_SECONDS = 0.5  # between two rounds of events
DELIVERY_SECONDS = 180


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fails", type=float, default=60, help="seconds for which the receiver fails (%(default)g)"
    )
    fails = parser.parse_args().fails
    steps = Steps()
    try:
        with tempfile.TemporaryDirectory(prefix="registry-webhooks-") as name, receiving() as one:
            counts = _run(Path(name), one, fails, steps)
    except KeyboardInterrupt:
        return 130
    except (StepError, httpx.HTTPError, OSError, subprocess.SubprocessError):
        return 1  # the step has printed the error
    print(counts)
    return 1 if counts.missed or counts.out_of_order else 0


def _run(folder: Path, receiver: Receiver, fails: float, steps: Steps) -> Counts:
    environment = _environment(folder)
    with steps.step("make a database, a channel and a rule"):
        manage("migrate", "--verbosity=0", environment=environment)
        receiver.secret = _add_channel(receiver.url, environment)
    with _registry(folder, environment, steps) as (url, process):
        happened: list[Event] = []
        with steps.step("events before the failure") as step:
            happened += _make_events(url, "before")
            poll(lambda: _has_all(happened, receiver), DELIVERY_SECONDS, "all of them arrive")
            step.result = f"{len(happened)} delivered"
        with steps.step(f"events while the receiver fails, for {fails:g} s") as step:
            receiver.fails_until = time.monotonic() + fails
            killer = threading.Timer(fails / 2, _kill_worker, [process.pid])
            killer.start()
            number = 0
            while time.monotonic() < receiver.fails_until:
                happened += _make_events(url, f"during-{number}")
                number += 1
                time.sleep(PAUSE_SECONDS)
            killer.join()
            step.result = f"{len(happened)} events, 503 {receiver.refused} times, worker killed"
        with steps.step("the receiver is back") as step:
            began = time.monotonic()
            poll(lambda: _has_all(happened, receiver), DELIVERY_SECONDS, "all of them arrive")
            step.result = f"everything after {time.monotonic() - began:.1f} s"
        with steps.step("every signature was right") as step:
            if receiver.wrong_signatures:
                raise StepError(f"{receiver.wrong_signatures} were not")
            step.result = f"{len(receiver.received)} checked"
    return count(happened, receiver.received)


def _environment(folder: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if k not in EXTERNAL_SETTINGS}
    own = {
        "REGISTRY_VAR_DIR": str(folder / "var"),
        "REGISTRY_AUTH": "open",
        "NOTIFICATION_NETWORKS": "127.0.0.1",
    }
    return inherited | own


def _add_channel(url: str, environment: Mapping[str, str]) -> str:
    events = [f"--event={kind}" for kind in KINDS]
    done = subprocess.run(
        [*MANAGE, "add_channel", "receiver", url, *events, "--each", "--quiet"],
        cwd=PROJECT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@contextmanager
def _registry(
    folder: Path, environment: Mapping[str, str], steps: Steps
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [*MANAGE, "start_registry", "--host=127.0.0.1", f"--port={port}", "--stop-with-parent"]
    with running(argv, PROJECT, environment, folder / "registry.log") as process:
        with steps.step("start the registry") as step:
            poll(lambda: _is_ready(url), START_SECONDS, "200 on /health/ready")
            step.result = f"at {url}"
        yield url, process


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").is_success
    except httpx.TransportError:
        return False


def _make_events(url: str, prefix: str) -> list[Event]:
    """Let agents come, come again and go."""
    with httpx.Client(base_url=url) as http:
        agents = [f"{prefix}-{number}" for number in range(AGENTS)]
        for agent_id in agents * 2:
            agent = {"agent_id": agent_id, "host": "127.0.0.1", "port": 8000}
            http.post("/agents/register", json=agent).raise_for_status()
        for agent_id in agents:
            http.delete(f"/agents/{agent_id}").raise_for_status()
    return [(agent_id, kind) for agent_id in agents for kind in KINDS]


def _has_all(happened: list[Event], receiver: Receiver) -> bool:
    return not count(happened, list(receiver.received)).missed


def _kill_worker(supervisor: int) -> None:
    listed = subprocess.run(
        ["ps", "--ppid", str(supervisor), "-ww", "-o", "pid=,args="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listed.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if " worker " in command:
            os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
