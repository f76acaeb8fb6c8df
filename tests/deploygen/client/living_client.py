"""The registry client with short pauses, for its tests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from deploygen.client.registration.client import AgentRegistryClient
from deploygen.client.registration.pacing import Pacing
from tests.deploygen.fake_registry import FakeRegistry
from tests.processes import wait_in_loop

QUICK = Pacing(first_seconds=0.02, longest_seconds=0.04, refused_seconds=0.03)


def client_of(registry: FakeRegistry, **options: Any) -> AgentRegistryClient:
    options.setdefault("pacing", QUICK)
    return AgentRegistryClient(registry.url, "an-agent", **options)


@asynccontextmanager
async def living(
    registry: FakeRegistry, metadata: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[AgentRegistryClient]:
    """Run a client's heartbeat loop while the body runs, then deregister."""
    client = client_of(registry, **options)
    await client.start_heartbeat_loop()
    try:
        yield client
    finally:
        await client.deregister()


async def beats(registry: FakeRegistry, number: int) -> None:
    goal = len(registry.of("heartbeat")) + number
    await wait_in_loop(lambda: len(registry.of("heartbeat")) >= goal, f"{number} heartbeats")


@asynccontextmanager
async def unhurried(registry: FakeRegistry, **options: Any) -> AsyncIterator[AgentRegistryClient]:
    """Run a registered client that sends heartbeats by `beat` only.

    Each then has ten seconds for its response, not only until the next is due.
    """
    registry.heartbeat_interval = 20
    async with living(registry, **options) as client:
        await wait_in_loop(lambda: client.registered, "the registration")
        yield client


async def beat(registry: FakeRegistry, client: AgentRegistryClient) -> None:
    """Make a registered client send a heartbeat now."""
    client.heartbeat_now()
    await beats(registry, 1)
