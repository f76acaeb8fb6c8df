import asyncio
import itertools
import logging
import time
from typing import Any

import pytest

from deploygen.client.registration.errors import RegistryUnavailable
from deploygen.client.registration.lease import LONGEST_REQUEST_SECONDS
from deploygen.client.registration.pacing import Pacing
from tests.deploygen.client.living_client import beat, beats, client_of, living, unhurried
from tests.deploygen.fake_registry import BREAKS, HANGS, Call, FakeRegistry, Reply
from tests.processes import wait_in_loop


@pytest.mark.parametrize("status", [404, 401, 403])
def test_after_a_lost_lease_the_agent_registers_again_at_once(
    registry: FakeRegistry, status: int
) -> None:
    registry.script["heartbeat"] = [Reply(), Reply(status)]

    async def scenario() -> None:
        async with unhurried(registry) as client:
            await beat(registry, client)
            await beat(registry, client)
            await wait_in_loop(lambda: len(registry.of("register")) == 2, "a second registration")
            await wait_in_loop(lambda: client.registered, "the end of the registration")
            await beat(registry, client)

    asyncio.run(scenario())
    assert registry.of("heartbeat")[2].lease_token == "2.token"


def test_a_superseded_agent_stops_claiming_its_id_and_reports_it(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [Reply(), Reply(409)]

    async def scenario() -> None:
        async with unhurried(registry) as client:
            await beat(registry, client)
            await beat(registry, client)
            await wait_in_loop(lambda: client.problem, "the problem")
            assert client.problem == "another agent has registered as an-agent"
            assert not client.registered
            assert client._heartbeats is not None
            await asyncio.wait_for(client._heartbeats, 10)

    asyncio.run(scenario())
    assert len(registry.of("register")) == 1
    assert registry.of("delete") == []  # it would remove the successor


def test_a_409_after_an_unanswered_registration_is_taken_as_our_own_and_retried(
    registry: FakeRegistry,
) -> None:
    registry.script["register"] = [BREAKS]
    registry.script["heartbeat"] = [Reply(409)]

    async def scenario() -> None:
        async with unhurried(registry) as client:
            await beat(registry, client)
            await beat(registry, client)
            assert client.problem is None

    asyncio.run(scenario())
    assert len(registry.of("register")) == 3


def test_a_second_409_means_another_holder(registry: FakeRegistry) -> None:
    registry.script["register"] = [BREAKS]
    registry.always["heartbeat"] = Reply(409)

    async def scenario() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")

    asyncio.run(scenario())
    assert len(registry.of("register")) == 3


def test_a_superseded_agent_can_register_again_explicitly(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [Reply(409)]

    async def scenario() -> None:
        async with unhurried(registry) as client:
            await beat(registry, client)
            await wait_in_loop(lambda: client.problem, "the problem")
            await client.register()
            await client.start_heartbeat_loop()
            await beat(registry, client)
            assert client.problem is None

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refused_registration_is_retried_until_the_problem_is_gone(
    registry: FakeRegistry, status: int
) -> None:
    registry.script["register"] = [Reply(status, {"detail": "so it is"})] * 2

    async def scenario() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert f"{status}, so it is" in str(client.problem)
            await wait_in_loop(lambda: client.registered, "the registration")
            assert client.problem is None

    asyncio.run(scenario())


FAULTS = {
    "500": Reply(500),
    "502": Reply(502, b"<html>Bad gateway</html>"),
    "503": Reply(503, {"detail": "the database"}),
    "429": Reply(429),
    "408": Reply(408),
    "another page": Reply(200, b"<html>Welcome to the hotel's network</html>"),
    "a list": Reply(200, []),
    "deep": Reply(200, b"[" * 100_000),
    "no answer": BREAKS,
    "an ingress reloads": Reply(404, b"404 page not found\n", {"Content-Type": "text/plain"}),
    "a gateway without routes": Reply(404, {"message": "no Route matched"}, foreign=True),
    "another service": Reply(404, {"detail": "Not Found"}, foreign=True),
    "a firewall": Reply(403, b"<h1>Forbidden</h1>", {"Content-Type": "text/html"}),
    "a proxy wants a login": Reply(401, b"", {"WWW-Authenticate": "Basic"}),
    "a proxy's conflict": Reply(409, b"conflict"),
    "a proxy's problem about another status": Reply(404, {"status": 502}),
    "a problem in another type": Reply(404, {"status": 404, "detail": "x"}, foreign=True),
    "gone": Reply(410, b"gone"),
    "a login page elsewhere": Reply(302, b"", {"Location": "http://login.example/"}),
    "a page about maintenance": Reply(200, {"message": "back soon"}, foreign=True),
}
NO_TOKENS = {
    "two lines": Reply(201, {"lease_token": "a\nb"}),
    "a number": Reply(201, {"lease_token": 1}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faulty_response_to_a_heartbeat_is_retried_without_registering_again(
    registry: FakeRegistry, fault: Reply
) -> None:
    registry.script["heartbeat"] = [Reply(), fault, fault]

    async def scenario() -> None:
        async with living(registry) as client:
            await beats(registry, 5)
            assert client.problem is None

    asyncio.run(scenario())
    assert len(registry.of("register")) == 1


@pytest.mark.parametrize("fault", (FAULTS | NO_TOKENS).values(), ids=FAULTS | NO_TOKENS)
def test_a_faulty_response_to_a_registration_is_retried(
    registry: FakeRegistry, fault: Reply
) -> None:
    registry.script["register"] = [fault, fault]

    async def scenario() -> None:
        async with living(registry):
            await beats(registry, 1)

    asyncio.run(scenario())
    assert len(registry.of("register")) == 3


def test_an_agent_that_lost_its_lease_retries_a_refused_registration_within_its_ttl(
    registry: FakeRegistry,
) -> None:
    registry.script["heartbeat"] = [Reply(404)]
    registry.script["register"] = [Reply(201, {"heartbeat_interval": 1}), Reply(403)]

    async def scenario() -> None:
        pacing = Pacing(refused_seconds=60)
        async with living(registry, ttl_seconds=20, heartbeat_interval=1, pacing=pacing):
            await wait_in_loop(lambda: len(registry.of("register")) == 2, "the refusal")
            refused = time.monotonic()
            await wait_in_loop(lambda: len(registry.of("register")) == 3, "the next attempt")
            assert time.monotonic() - refused < 20

    asyncio.run(scenario())


def test_a_registry_without_lease_tokens_is_supported(registry: FakeRegistry) -> None:
    registry.always["register"] = Reply(200, {})

    async def scenario() -> None:
        async with living(registry, heartbeat_interval=0.05):
            await beats(registry, 2)

    asyncio.run(scenario())
    assert registry.of("heartbeat")[0].lease_token is None


def test_a_hanging_heartbeat_is_abandoned_before_the_next_is_due(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [HANGS]

    async def scenario() -> None:
        async with living(registry, ttl_seconds=60):
            await beats(registry, 3)

    started = time.monotonic()
    asyncio.run(scenario())
    assert len(registry.of("register")) == 1
    assert time.monotonic() - started < LONGEST_REQUEST_SECONDS


def test_a_hanging_registration_is_abandoned_within_the_ttl(registry: FakeRegistry) -> None:
    registry.script["register"] = [HANGS]

    async def scenario() -> None:
        async with living(registry, ttl_seconds=1):
            await beats(registry, 1)

    started = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - started < LONGEST_REQUEST_SECONDS


def test_an_oversized_response_is_abandoned(registry: FakeRegistry) -> None:
    registry.script["register"] = [Reply(201, b"x" * 2_000_000)]

    async def scenario() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryUnavailable, match="endless"):
            await client.register()
        await client.deregister()

    asyncio.run(scenario())


def test_a_redirect_is_reported_with_its_target(registry: FakeRegistry) -> None:
    registry.always["register"] = Reply(307, headers={"Location": "https://elsewhere.example/"})

    async def scenario() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryUnavailable, match=r"307, moved to https://elsewhere\.example/"):
            await client.register()
        await client.deregister()

    asyncio.run(scenario())


def test_a_refused_heartbeat_is_reported_and_retried(registry: FakeRegistry) -> None:
    registry.always["heartbeat"] = Reply(422, {"detail": "note: too long"})

    async def scenario() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert client.problem == "the registry refused the heartbeat: 422, note: too long"
            del registry.always["heartbeat"]
            await wait_in_loop(lambda: client.problem is None, "the end of the problem")

    asyncio.run(scenario())
    assert len(registry.of("register")) == 1


class Strict(FakeRegistry):
    """Refuses heartbeats with a report while `strict` is set."""

    strict = True

    def reply(self, call: Call) -> Reply:
        if self.strict and call.kind == "heartbeat" and call.body:
            self.calls.append(call)
            return Reply(422, {"detail": "note: no"})
        return super().reply(call)


def test_a_refused_report_is_left_out_and_the_lease_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    report = {"status": "degraded", "note": "a word too many"}

    async def scenario(registry: Strict) -> None:
        async with unhurried(registry, report=lambda: report) as client:
            for _ in range(2):
                client.heartbeat_now()
                await beats(registry, 2)
            assert client.problem is None
            assert client.schedule.failures == 0
            registry.strict = False
            await beat(registry, client)
            await beat(registry, client)

    registry = Strict()
    with registry:
        asyncio.run(scenario(registry))
        assert [call.body for call in registry.of("heartbeat")[:4]] == [report, {}, report, {}]
        assert [call.body for call in registry.of("heartbeat")[-2:]] == [report, report]
        assert len(registry.of("register")) == 1
    message = "the registry refused the agent's report: 422, note: no"
    assert caplog.text.count(message) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_refused_lease_is_not_taken_as_a_refused_report(
    registry: FakeRegistry, status: int
) -> None:
    registry.script["heartbeat"] = [Reply(status)]

    async def scenario() -> None:
        async with unhurried(registry, report=lambda: {"note": "a"}) as client:
            await beat(registry, client)
            await wait_in_loop(
                lambda: client.problem or len(registry.of("register")) == 2, "the reaction"
            )

    asyncio.run(scenario())
    assert all(call.body == {"note": "a"} for call in registry.of("heartbeat"))


def test_retry_after_is_respected(registry: FakeRegistry) -> None:
    registry.script["register"] = [Reply(503, headers={"Retry-After": "1"})]

    async def scenario() -> float:
        started = time.monotonic()
        async with living(registry) as client:
            await wait_in_loop(lambda: client.registered, "the registration")
            return time.monotonic() - started

    assert asyncio.run(scenario()) >= 1


def test_an_agent_reconnects_after_an_outage_which_is_logged_once(
    registry: FakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with living(registry) as client:
            await beats(registry, 1)
            registry.stop()
            await wait_in_loop(lambda: client.schedule.failures >= 3, "three failures")
            registry.start()
            await beats(registry, 1)

    with caplog.at_level(logging.INFO, "agent.registry"):
        asyncio.run(scenario())
    assert caplog.text.count("is not available") == 1


def test_an_exception_in_the_report_does_not_end_the_loop(registry: FakeRegistry) -> None:
    reports = itertools.count()

    def report() -> dict[str, Any]:
        if next(reports) in (0, 2):
            raise ZeroDivisionError
        return {"status": "ready"}

    async def scenario() -> None:
        async with living(registry, report=report):
            await beats(registry, 2)

    asyncio.run(scenario())
