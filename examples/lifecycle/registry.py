"""The demo's registry: a running one, or one started for the demo."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from examples.lifecycle.programs import MANAGE, PROJECT, free_port, manage, running
from examples.lifecycle.steps import Steps, poll

OWN_SWEEP_SECONDS = 2
USUAL_SWEEP_SECONDS = 15
START_SECONDS = 30
# Settings that would keep the demo's registry from using its temporary folder.
EXTERNAL_SETTINGS = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY")


@dataclass(frozen=True)
class Registry:
    """A registry at `url` that purges expired agents every `sweep_seconds`."""

    url: str
    sweep_seconds: int
    http: httpx.Client

    def agent(self, agent_id: str) -> dict[str, Any] | None:
        response = self.http.get(f"{self.url}/agents/{agent_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        record: dict[str, Any] = response.raise_for_status().json()
        return record

    def listed(self, agent_id: str) -> dict[str, Any] | None:
        """Return the agent's entry in the listing, from any page; None without one."""
        page: str | None = f"{self.url}/agents"
        while page is not None:
            response = self.http.get(page).raise_for_status()
            for agent in response.json():
                if agent["agent_id"] == agent_id:
                    entry: dict[str, Any] = agent
                    return entry
            link = response.links.get("next", {}).get("url")
            page = link and str(response.url.join(link))
        return None


def expiry(record: dict[str, Any]) -> float:
    """Return the end of a record's lease, in seconds since the epoch."""
    last_heartbeat = datetime.fromisoformat(record["last_heartbeat"])
    return (last_heartbeat + timedelta(seconds=record["ttl_seconds"])).timestamp()


@contextmanager
def registry_at(url: str, folder: Path, steps: Steps) -> Iterator[Registry]:
    """Yield the registry at `url` if one runs there, else one started in `folder`."""
    with httpx.Client(timeout=10) as http:
        if _is_registry(http, url):
            with steps.step("use the running registry") as step:
                step.result = f"at {url}"
            yield Registry(url, USUAL_SWEEP_SECONDS, http)
            return
        with _own_registry(folder, http, steps) as registry:
            yield registry


def _is_registry(http: httpx.Client, url: str) -> bool:
    try:
        response = http.get(f"{url}/health")
        if not (response.is_success and "registered_agents" in response.json()):
            return False
        # False in token mode, for which the demo has no token.
        return http.get(f"{url}/agents", params={"limit": 1}).is_success
    except (httpx.HTTPError, ValueError):
        return False


@contextmanager
def _own_registry(folder: Path, http: httpx.Client, steps: Steps) -> Iterator[Registry]:
    environment = {
        name: value for name, value in os.environ.items() if name not in EXTERNAL_SETTINGS
    } | {
        "REGISTRY_VAR_DIR": str(folder),
        "REGISTRY_AUTH": "open",
        "SWEEP_INTERVAL_SECONDS": str(OWN_SWEEP_SECONDS),
    }
    port = free_port()
    registry = Registry(f"http://127.0.0.1:{port}", OWN_SWEEP_SECONDS, http)
    with steps.step("no registry runs: create a database for one"):
        manage("migrate", "--verbosity=0", environment=environment)
    argv = [*MANAGE, "start_registry", "--host=127.0.0.1", f"--port={port}", "--stop-with-parent"]
    started = time.monotonic()
    with running(argv, PROJECT, environment, folder / "registry.log"):
        with steps.step("start the registry") as step:
            poll(lambda: _is_ready(http, registry.url), START_SECONDS, "200 on /health/ready")
            step.result = f"at {registry.url}, ready after {time.monotonic() - started:.2f} s"
        yield registry


def _is_ready(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/health/ready").is_success
    except httpx.TransportError:
        return False
