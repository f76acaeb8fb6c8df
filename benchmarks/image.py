"""``make image``: the size of the echo example's image, and how fast it registers and stops.

Builds on the base image of the tests, runs hardened, and starts a registry. Exits with 1 if a limit
is exceeded.
"""

import sys
import tempfile
import time
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
MOST_BYTES = 40_000_000
MOST_BYTES_GZIPPED = 17_000_000
REGISTERED_SECONDS = 3.0
# Docker kills after ten; an idle agent should stop well before that.
STOPPED_SECONDS = 3.0


def main() -> int:
    if not engine.answers():
        print("make image needs a Docker engine that answers: docker version", file=sys.stderr)
        return 1
    broken = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"building on {(base := base_image())}", flush=True)
        agents.generate_echo(folder / "echo")
        engine.build(folder / "echo", IMAGE, base=base)
        plain, gzipped = engine.sizes(IMAGE)
        print(f"image: {plain} bytes, gzipped {gzipped} bytes", flush=True)
        if plain > MOST_BYTES or gzipped > MOST_BYTES_GZIPPED:
            broken.append(f"{MOST_BYTES} bytes, gzipped {MOST_BYTES_GZIPPED} bytes")
        environment = environment_for(folder, TERM="dumb")
        with ready_registry(folder, environment) as registry:
            registered, stopped = _come_and_go(registry)
    print(f"registered in {registered:.2f} s\nstopped in {stopped:.2f} s")
    if registered > REGISTERED_SECONDS:
        broken.append(f"registered in {REGISTERED_SECONDS:g} s")
    if stopped > STOPPED_SECONDS:
        broken.append(f"stopped in {STOPPED_SECONDS:g} s")
    for limit in broken:
        print(f"This limit is broken: {limit}", file=sys.stderr)
    return 1 if broken else 0


def _come_and_go(registry: RegistryProcess) -> tuple[float, float]:
    """Return the seconds from `docker run` to the listing, and those of `docker stop`."""
    begin = time.monotonic()
    with agents.running_agent(IMAGE, registry_url=registry.url) as agent:
        wait_until(lambda: agent.agent_id in registry.listed(), "the agent in the listing")
        registered = time.monotonic() - begin
        stopped = agent.container.stop()
        if registry.agent(agent.agent_id) is not None:
            raise RuntimeError("the agent was stopped, and is still registered")
    return registered, stopped


if __name__ == "__main__":
    sys.exit(main())
