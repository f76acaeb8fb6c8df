"""``make image``: the size of an image, how fast it registers and stops, and what a change costs.

Builds the echo example on the base image of the tests, runs hardened, and starts a registry. Exits
with 1 if a limit is exceeded.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.docker import agents, engine
from tests.docker.base_image import base_image
from tests.integration.registry_process import (
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.processes import wait_until

IMAGE = "agent-echo:local"
# The image's file system as a tar, plain and gzipped: what is stored and what is sent.
MAX_BYTES = 34_000_000
MAX_BYTES_GZIPPED = 16_900_000
REGISTERED_SECONDS = 1.5
# Docker kills after ten; an idle agent should stop well before that.
STOPPED_SECONDS = 3.0
# After a change of the handler: the time of `docker build`, and what a registry does not have yet.
REBUILT_SECONDS = 3.0
MAX_BYTES_PUSHED = 300_000
CHANGE = "\n# A change.\n"


def main() -> int:
    if not engine.answers():
        print("make image needs a running Docker engine", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        kept = [*_size(Path(name)), *_speed(Path(name)), *_change(Path(name))]
    return 0 if all(kept) else 1


def _size(folder: Path) -> Iterator[bool]:
    print(f"building on {(base := base_image())}", flush=True)
    agents.generate_echo(folder / "echo")
    engine.build(folder / "echo", IMAGE, base=base)
    plain, gzipped = engine.sizes(IMAGE)
    yield _report(
        f"image: {plain} bytes, gzipped {gzipped} bytes",
        f"{MAX_BYTES} bytes, gzipped {MAX_BYTES_GZIPPED} bytes",
        kept=plain <= MAX_BYTES and gzipped <= MAX_BYTES_GZIPPED,
    )


def _speed(folder: Path) -> Iterator[bool]:
    with ready_registry(folder, environment_for(folder, TERM="dumb")) as registry:
        registered, stopped = _register_and_stop(registry)
    yield _report(
        f"registered in {registered:.2f} s",
        f"{REGISTERED_SECONDS:g} s",
        kept=registered <= REGISTERED_SECONDS,
    )
    yield _report(
        f"stopped in {stopped:.2f} s", f"{STOPPED_SECONDS:g} s", kept=stopped <= STOPPED_SECONDS
    )


def _change(folder: Path) -> Iterator[bool]:
    before = engine.layers(IMAGE)
    with (folder / "echo" / "handler.py").open("a", encoding="utf-8") as handler:
        handler.write(CHANGE)
    begin = time.monotonic()
    engine.build(folder / "echo", IMAGE, base=base_image())
    seconds = time.monotonic() - begin
    pushed = engine.bytes_to_push(IMAGE, before)
    yield _report(
        f"rebuilt in {seconds:.2f} s, pushes {pushed} bytes",
        f"{REBUILT_SECONDS:g} s, {MAX_BYTES_PUSHED} bytes",
        kept=seconds <= REBUILT_SECONDS and pushed <= MAX_BYTES_PUSHED,
    )


def _report(figures: str, limit: str, *, kept: bool) -> bool:
    print(f"{figures} (at most {limit})", flush=True)
    if not kept:
        print(f"Limit exceeded: {limit}", file=sys.stderr)
    return kept


def _register_and_stop(registry: RegistryProcess) -> tuple[float, float]:
    """Return the seconds from `docker run` to the listing, and those of `docker stop`."""
    begin = time.monotonic()
    with agents.running_agent(IMAGE, registry_url=registry.url) as agent:
        wait_until(lambda: agent.agent_id in registry.listed(), "the agent in the listing")
        registered = time.monotonic() - begin
        stopped = agent.container.stop()
        if registry.agent(agent.agent_id) is not None:
            raise RuntimeError("the agent is still registered after it stopped")
    return registered, stopped


if __name__ == "__main__":
    sys.exit(main())
