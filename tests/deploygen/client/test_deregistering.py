import asyncio
import threading
import time

import pytest

from deploygen.client.registration import client as registry_client
from deploygen.client.registration.client import AgentRegistryClient
from tests.deploygen.client.living_client import QUICK, beats, client_of
from tests.deploygen.fake_registry import HANGS, FakeRegistry, Reply
from tests.processes import wait_in_loop


def test_deregistering_sends_the_lease_token(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = client_of(registry)
        await client.register()
        assert await client.deregister()
        assert not client.registered

    asyncio.run(scenario())
    [call] = registry.of("delete")
    assert (call.path, call.lease_token) == ("/agents/an-agent", "1.token")


def test_no_heartbeat_follows_the_deregistration(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = client_of(registry)
        await client.register()
        await client.start_heartbeat_loop()
        await beats(registry, 1)
        await client.deregister()
        assert client._heartbeats is not None
        assert client._heartbeats.done()

    asyncio.run(scenario())
    assert registry.calls[-1].kind == "delete"


@pytest.mark.parametrize("status", [404, 409])
def test_deregistering_a_lost_lease_succeeds(registry: FakeRegistry, status: int) -> None:
    registry.always["delete"] = Reply(status)

    async def scenario() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert asyncio.run(scenario())


def test_a_refused_deregistration_returns_false(registry: FakeRegistry) -> None:
    registry.always["delete"] = Reply(403)

    async def scenario() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert not asyncio.run(scenario())


@pytest.mark.parametrize(
    "fault", [Reply(503), Reply(404, b"404 page not found")], ids=["503", "a proxy's 404"]
)
def test_deregistering_is_retried_after_a_faulty_response(
    registry: FakeRegistry, fault: Reply
) -> None:
    registry.script["delete"] = [fault]

    async def scenario() -> bool:
        client = client_of(registry)
        await client.register()
        return await client.deregister()

    assert asyncio.run(scenario())
    assert len(registry.of("delete")) == 2


@pytest.mark.parametrize("fault", [HANGS, Reply(503)], ids=["hanging", "503"])
def test_deregistering_gives_up_soon_if_the_registry_does_not_answer(
    registry: FakeRegistry, fault: Reply
) -> None:
    registry.always["delete"] = fault

    async def scenario() -> tuple[bool, float]:
        client = client_of(registry)
        await client.register()
        started = time.monotonic()
        return await client.deregister(), time.monotonic() - started

    gone, seconds = asyncio.run(scenario())
    assert not gone
    assert seconds < 10  # generous for a busy machine; usually 2


def test_a_registration_in_progress_is_awaited_and_undone(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_client, "LAST_CALL_SECONDS", 30)
    stopping = threading.Event()
    registry.script["register"] = [Reply(201, {"lease_token": "1.token"}, after=stopping)]

    async def scenario() -> None:
        client = client_of(registry)
        await client.start_heartbeat_loop()
        await wait_in_loop(lambda: registry.calls, "the call")
        deregistering = asyncio.create_task(client.deregister())
        await asyncio.sleep(0)
        stopping.set()
        assert await deregistering

    asyncio.run(scenario())
    assert [call.kind for call in registry.calls] == ["register", "delete"]


def test_deregistering_without_a_registration_makes_no_call(
    registry: FakeRegistry,
) -> None:
    assert asyncio.run(client_of(registry).deregister())
    assert registry.calls == []


def test_ids_are_escaped_in_paths(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = AgentRegistryClient(registry.url + "/", "a:b/../c?d", pacing=QUICK)
        await client.register()
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("delete")[0].path == "/agents/a:b%2F..%2Fc%3Fd"
