import asyncio
import socket
import threading

import pytest

from deploygen.client.registration.client import AgentRegistryClient
from deploygen.client.registration.errors import RegistryRefused, RegistryUnavailable
from deploygen.client.registration.pacing import Pacing
from tests.deploygen.client.living_client import beats, client_of, living
from tests.deploygen.fake_registry import FakeRegistry, Reply
from tests.processes import wait_in_loop


def test_a_registration_sends_all_fields_of_the_contract(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_HOST", "agent.example")
    monkeypatch.setenv("AGENT_PORT", "8123")

    async def scenario() -> None:
        client = client_of(registry, ttl_seconds=30, report=lambda: {"status": "ready"})
        record = await client.register({"team": "search"}, agent_name="An agent")
        assert record["lease_token"] == "1.token"
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("register")[0].body == {
        "agent_id": "an-agent",
        "agent_name": "An agent",
        "host": "agent.example",
        "port": 8123,
        "ttl_seconds": 30,
        "metadata": {"team": "search"},
        "status": "ready",
    }


def test_host_and_port_come_from_the_metadata_without_variables(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = client_of(registry)
        await client.register({"host": "from-metadata", "port": 9001})
        await client.deregister()

    asyncio.run(scenario())
    body = registry.of("register")[0].body
    assert (body["host"], body["port"]) == ("from-metadata", 9001)


def test_host_and_port_default_to_this_machine_and_8000(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = client_of(registry)
        await client.register()
        await client.deregister()

    asyncio.run(scenario())
    body = registry.of("register")[0].body
    assert (body["host"], body["port"]) == (socket.gethostname(), 8000)


def test_a_port_that_is_not_a_number_raises(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_PORT", "http")
    with pytest.raises(ValueError, match="http"):
        asyncio.run(client_of(registry).register())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:9000",
        "ftp://host",
        "http://",
        "http://[::1",
        "http://a:b",
        "http://a\nb",
        "http://a:0",
        "http://a:9110?x=1",
        "http://a?",
        "http://a/path#part",
        "http://a#",
        "http://user:a-password@a",
        " http://a",
    ],
)
def test_an_unusable_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="the registry's URL") as refused:
        AgentRegistryClient(url, "an-agent")
    assert "a-password" not in str(refused.value)


def test_a_url_may_have_a_path_and_a_trailing_slash(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = AgentRegistryClient(f"{registry.url}/base/", "an-agent")
        await client.register()
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("register")[0].path == "/base/agents/register"


def test_metadata_that_is_not_json_raises(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        client = client_of(registry)
        with pytest.raises(TypeError, match="JSON"):
            await client.register({"when": object()})
        await client.deregister()

    asyncio.run(scenario())
    assert registry.calls == []


def test_a_refused_registration_is_raised_with_its_reason(registry: FakeRegistry) -> None:
    detail = "host: Give a host name."
    registry.always["register"] = Reply(422, {"detail": detail})

    async def scenario() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryRefused, match=detail) as refused:
            await client.register()
        assert refused.value.status == 422
        assert client.problem == f"the registry refused the registration: 422, {detail}"
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("delete") == []


def test_without_a_registry_registering_raises_and_the_loop_keeps_trying(
    registry: FakeRegistry,
) -> None:
    registry.stop()

    async def scenario() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryUnavailable, match="no connection"):
            await client.register({"team": "search"})
        await client.start_heartbeat_loop()
        registry.start()
        await beats(registry, 1)
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("register")[0].body["metadata"] == {"team": "search"}


def test_the_loop_registers_if_register_was_not_called(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        async with living(registry):
            await beats(registry, 1)

    asyncio.run(scenario())
    assert [call.kind for call in registry.calls[:2]] == ["register", "heartbeat"]


def test_starting_the_loop_twice_starts_it_once(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        async with living(registry) as client:
            await client.start_heartbeat_loop()
            await beats(registry, 2)

    asyncio.run(scenario())
    assert len(registry.of("register")) == 1


def test_a_heartbeat_sends_the_lease_token_and_the_report(registry: FakeRegistry) -> None:
    async def scenario() -> None:
        async with living(registry, report=lambda: {"status": "busy", "load": 0.5, "note": "x"}):
            await beats(registry, 1)

    asyncio.run(scenario())
    heartbeat = registry.of("heartbeat")[0]
    assert heartbeat.path == "/agents/an-agent/heartbeat"
    assert heartbeat.lease_token == "1.token"
    assert heartbeat.body == {"status": "busy", "load": 0.5, "note": "x"}


def test_the_registrys_interval_is_followed(registry: FakeRegistry) -> None:
    registry.heartbeat_interval = 7.0

    async def scenario() -> None:
        client = client_of(registry, heartbeat_interval=20)
        await client.register()
        assert client.interval == 7.0
        await client.deregister()

    asyncio.run(scenario())


def test_an_explicit_interval_is_kept_on_request(registry: FakeRegistry) -> None:
    registry.heartbeat_interval = 7.0

    async def scenario() -> None:
        client = client_of(registry, heartbeat_interval=11, keep_interval=True)
        await client.register()
        assert client.interval == 11
        await client.deregister()

    asyncio.run(scenario())


@pytest.mark.parametrize("nonsense", ["soon", -1, 0, None, 1e400])
def test_an_invalid_interval_from_the_registry_is_ignored(
    registry: FakeRegistry, nonsense: object
) -> None:
    registry.heartbeat_interval = nonsense

    async def scenario() -> None:
        client = client_of(registry, heartbeat_interval=20)
        await client.register()
        assert client.interval == 20
        await client.deregister()

    asyncio.run(scenario())


def test_an_interval_too_long_for_the_ttl_becomes_a_third_of_it() -> None:
    client = AgentRegistryClient("http://registry", "an-agent", ttl_seconds=30)
    assert client.interval == 10


def test_a_heartbeat_can_be_sent_early(registry: FakeRegistry) -> None:
    registry.heartbeat_interval = 30

    async def scenario() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.registered, "the registration")
            client.heartbeat_now()
            await beats(registry, 1)

    asyncio.run(scenario())


def test_a_change_of_status_during_a_heartbeat_is_sent_next(registry: FakeRegistry) -> None:
    registry.heartbeat_interval = 30
    may_answer = threading.Event()
    registry.script["heartbeat"] = [Reply(after=may_answer)]
    report = {"status": "ready"}

    async def scenario() -> None:
        async with living(registry, report=lambda: report) as client:
            await wait_in_loop(lambda: client.registered, "the registration")
            client.heartbeat_now()
            await beats(registry, 1)
            report["status"] = "draining"
            client.heartbeat_now()
            may_answer.set()
            await beats(registry, 1)

    asyncio.run(scenario())
    assert [call.body["status"] for call in registry.of("heartbeat")] == ["ready", "draining"]


def test_a_change_of_status_does_not_shorten_the_wait_before_a_registration(
    registry: FakeRegistry,
) -> None:
    registry.always["register"] = Reply(422)

    async def scenario() -> None:
        async with living(registry, pacing=Pacing(refused_seconds=60)) as client:
            await wait_in_loop(lambda: client.problem, "the refusal")
            client.heartbeat_now()
            for _ in range(20):
                await asyncio.sleep(0)

    asyncio.run(scenario())
    assert len(registry.of("register")) == 1
