import asyncio
import threading
import time

import pytest

from deploygen.client import client as registry_client
from deploygen.client.client import AgentRegistryClient
from tests.deploygen.client.living_client import QUICK, beats, client_of
from tests.deploygen.fake_registry import HANGS, FakeRegistry, Reply
from tests.processes import wait_in_loop


def test_deregistering_gives_the_lease_back(registry: FakeRegistry) -> None:
    async def story() -> None:
        client = client_of(registry)
        await client.register()
        assert await client.deregister()
        assert not client.registered

    asyncio.run(story())
    [call] = registry.of("delete")
    assert (call.path, call.lease_token) == ("/agents/an-agent", "1.token")


def test_no_heartbeat_follows_the_deregistration(registry: FakeRegistry) -> None:
    async def story() -> None:
        client = client_of(registry)
        await client.register()
        await client.start_heartbeat_loop()
        await beats(registry, 1)
        await client.deregister()
        assert client._heartbeats is not None
        assert client._heartbeats.done()

    asyncio.run(story())
    assert registry.calls[-1].kind == "delete"


@pytest.mark.parametrize("status", [404, 409])
def test_a_lease_that_is_gone_already_is_gone(registry: FakeRegistry, status: int) -> None:
    registry.always["delete"] = Reply(status)

    async def story() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert asyncio.run(story())


def test_a_refused_deregistration_is_told(registry: FakeRegistry) -> None:
    registry.always["delete"] = Reply(403)

    async def story() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert not asyncio.run(story())


@pytest.mark.parametrize(
    "fault", [Reply(503), Reply(404, b"404 page not found")], ids=["503", "a proxy's 404"]
)
def test_deregistering_is_tried_again_after_a_fault(registry: FakeRegistry, fault: Reply) -> None:
    registry.script["delete"] = [fault]

    async def story() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert asyncio.run(story())
    assert len(registry.of("delete")) == 2


@pytest.mark.parametrize("fault", [HANGS, Reply(503)], ids=["hanging", "503"])
def test_a_registry_that_does_not_answer_keeps_nobody_from_stopping(
    registry: FakeRegistry, fault: Reply
) -> None:
    registry.always["delete"] = fault

    async def story() -> tuple[bool, float]:
        client = client_of(registry)
        await client.register()
        started = time.monotonic()
        return await client.deregister(), time.monotonic() - started

    gone, seconds = asyncio.run(story())
    assert not gone
    assert seconds < 10  # seconds, on a busy machine; 2 by itself


def test_a_registration_under_way_is_waited_for_and_taken_back(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_client, "LAST_CALL_SECONDS", 30)
    stopping = threading.Event()
    registry.script["register"] = [Reply(201, {"lease_token": "1.token"}, after=stopping)]

    async def story() -> None:
        client = client_of(registry)
        await client.start_heartbeat_loop()
        await wait_in_loop(lambda: registry.calls, "the call")
        deregistering = asyncio.create_task(client.deregister())
        await asyncio.sleep(0)
        stopping.set()
        assert await deregistering

    asyncio.run(story())
    assert [call.kind for call in registry.calls] == ["register", "delete"]


def test_an_agent_that_was_never_registered_has_nothing_to_give_back(
    registry: FakeRegistry,
) -> None:
    assert asyncio.run(client_of(registry).deregister())
    assert registry.calls == []


def test_ids_are_safe_in_a_path(registry: FakeRegistry) -> None:
    async def story() -> None:
        client = AgentRegistryClient(registry.url + "/", "a:b/../c?d", pacing=QUICK)
        await client.register()
        await client.deregister()

    asyncio.run(story())
    assert registry.of("delete")[0].path == "/agents/a:b%2F..%2Fc%3Fd"
