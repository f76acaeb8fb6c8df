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
MAX_BYTES = 40_000_000
MAX_BYTES_GZIPPED = 17_000_000
REGISTERED_SECONDS = 3.0
# Docker kills after ten; an idle agent should stop well before that.
STOPPED_SECONDS = 3.0


def main() -> int:
    if not engine.answers():
        print("make image needs a running Docker engine", file=sys.stderr)
        return 1
    exceeded = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"building on {(base := base_image())}", flush=True)
        agents.generate_echo(folder / "echo")
        engine.build(folder / "echo", IMAGE, base=base)
        plain, gzipped = engine.sizes(IMAGE)
        print(f"image: {plain} bytes, gzipped {gzipped} bytes", flush=True)
        if plain > MAX_BYTES or gzipped > MAX_BYTES_GZIPPED:
            exceeded.append(f"{MAX_BYTES} bytes, gzipped {MAX_BYTES_GZIPPED} bytes")
        environment = environment_for(folder, TERM="dumb")
        with ready_registry(folder, environment) as registry:
            registered, stopped = _register_and_stop(registry)
    print(f"registered in {registered:.2f} s\nstopped in {stopped:.2f} s")
    if registered > REGISTERED_SECONDS:
        exceeded.append(f"registered in {REGISTERED_SECONDS:g} s")
    if stopped > STOPPED_SECONDS:
        exceeded.append(f"stopped in {STOPPED_SECONDS:g} s")
    for limit in exceeded:
        print(f"Limit exceeded: {limit}", file=sys.stderr)
    return 1 if exceeded else 0


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
