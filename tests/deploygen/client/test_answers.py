import asyncio
import itertools
import logging
import time
from typing import Any

import pytest

from deploygen.client.http import RegistryUnavailable
from deploygen.client.lease import LONGEST_REQUEST_SECONDS
from deploygen.client.pacing import Pacing
from tests.deploygen.client.living_client import beats, client_of, living
from tests.deploygen.fake_registry import BREAKS, HANGS, Call, FakeRegistry, Reply
from tests.processes import wait_in_loop


@pytest.mark.parametrize("status", [404, 401, 403])
def test_a_lost_lease_is_taken_again_at_once(registry: FakeRegistry, status: int) -> None:
    registry.script["heartbeat"] = [Reply(), Reply(status)]

    async def story() -> None:
        async with living(registry):
            await wait_in_loop(lambda: len(registry.of("register")) == 2, "a second registration")
            await beats(registry, 1)

    asyncio.run(story())
    assert registry.of("heartbeat")[2].lease_token == "2.token"


def test_superseded_the_agent_gives_the_id_up_and_says_so(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [Reply(), Reply(409)]

    async def story() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert client.problem == "another agent has registered as an-agent"
            assert not client.registered
            assert client._heartbeats is not None
            await asyncio.wait_for(client._heartbeats, 10)

    asyncio.run(story())
    assert len(registry.of("register")) == 1
    assert registry.of("delete") == []  # it would be the successor's


def test_the_unanswered_registration_that_supersedes_us_is_our_own(
    registry: FakeRegistry,
) -> None:
    registry.script["register"] = [BREAKS]
    registry.script["heartbeat"] = [Reply(409)]

    async def story() -> None:
        async with living(registry) as client:
            await beats(registry, 2)
            assert client.problem is None

    asyncio.run(story())
    assert len(registry.of("register")) == 3


def test_only_once_is_a_conflict_taken_for_our_own(registry: FakeRegistry) -> None:
    registry.script["register"] = [BREAKS]
    registry.always["heartbeat"] = Reply(409)

    async def story() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")

    asyncio.run(story())
    assert len(registry.of("register")) == 3


def test_a_superseded_agent_may_register_again_on_purpose(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [Reply(409)]

    async def story() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            await client.register()
            await client.start_heartbeat_loop()
            await beats(registry, 2)
            assert client.problem is None

    asyncio.run(story())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refused_registration_is_tried_again_and_the_problem_goes(
    registry: FakeRegistry, status: int
) -> None:
    registry.script["register"] = [Reply(status, {"detail": "so it is"})] * 2

    async def story() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert f"{status}, so it is" in str(client.problem)
            await wait_in_loop(lambda: client.registered, "the registration")
            assert client.problem is None

    asyncio.run(story())


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
REGISTERED = Reply(201, {"lease_token": "1.token", "heartbeat_interval": 0.05})
NO_TOKENS = {
    "two lines": Reply(201, {"lease_token": "a\nb"}),
    "a number": Reply(201, {"lease_token": 1}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_costs_no_lease_and_no_registration(registry: FakeRegistry, fault: Reply) -> None:
    registry.script["heartbeat"] = [Reply(), fault, fault]

    async def story() -> None:
        async with living(registry) as client:
            await beats(registry, 5)
            assert client.problem is None

    asyncio.run(story())
    assert len(registry.of("register")) == 1


@pytest.mark.parametrize("fault", (FAULTS | NO_TOKENS).values(), ids=FAULTS | NO_TOKENS)
def test_a_fault_at_the_registration_is_tried_again(registry: FakeRegistry, fault: Reply) -> None:
    registry.script["register"] = [fault, fault]

    async def story() -> None:
        async with living(registry):
            await beats(registry, 1)

    asyncio.run(story())
    assert len(registry.of("register")) == 3


def test_an_agent_that_had_a_lease_is_registered_again_within_its_ttl_after_a_refusal(
    registry: FakeRegistry,
) -> None:
    registry.script["heartbeat"] = [Reply(404)]
    registry.script["register"] = [REGISTERED, Reply(403)]

    async def story() -> None:
        async with living(registry, ttl_seconds=3, pacing=Pacing(refused_seconds=60)):
            await wait_in_loop(lambda: len(registry.of("register")) == 2, "the refusal")
            refused = time.monotonic()
            await wait_in_loop(lambda: len(registry.of("register")) == 3, "the next one")
            assert time.monotonic() - refused < 3

    asyncio.run(story())


def test_a_registry_without_lease_tokens_is_enough(registry: FakeRegistry) -> None:
    registry.always["register"] = Reply(200, {})

    async def story() -> None:
        async with living(registry, heartbeat_interval=0.05):
            await beats(registry, 2)

    asyncio.run(story())
    assert registry.of("heartbeat")[0].lease_token is None


def test_a_hanging_heartbeat_is_given_up_before_the_next_is_due(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [HANGS]

    async def story() -> None:
        async with living(registry, ttl_seconds=60):
            await beats(registry, 3)

    started = time.monotonic()
    asyncio.run(story())
    assert len(registry.of("register")) == 1
    assert time.monotonic() - started < LONGEST_REQUEST_SECONDS


def test_a_hanging_registration_is_given_up_within_the_ttl(registry: FakeRegistry) -> None:
    registry.script["register"] = [HANGS]

    async def story() -> None:
        async with living(registry, ttl_seconds=1):
            await beats(registry, 1)

    started = time.monotonic()
    asyncio.run(story())
    assert time.monotonic() - started < LONGEST_REQUEST_SECONDS


def test_an_answer_without_end_is_given_up(registry: FakeRegistry) -> None:
    registry.script["register"] = [Reply(201, b"x" * 2_000_000)]

    async def story() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryUnavailable, match="endless"):
            await client.register()
        await client.deregister()

    asyncio.run(story())


def test_a_redirection_is_told_with_where_it_leads(registry: FakeRegistry) -> None:
    registry.always["register"] = Reply(307, headers={"Location": "https://elsewhere.example/"})

    async def story() -> None:
        client = client_of(registry)
        with pytest.raises(RegistryUnavailable, match=r"307, moved to https://elsewhere\.example/"):
            await client.register()
        await client.deregister()

    asyncio.run(story())


def test_a_refused_heartbeat_is_told_and_tried_again(registry: FakeRegistry) -> None:
    registry.script["heartbeat"] = [Reply(422, {"detail": "note: too long"})] * 3

    async def story() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert client.problem == "the registry refused the heartbeat: 422, note: too long"
            await wait_in_loop(lambda: client.problem is None, "the end of the problem")

    asyncio.run(story())
    assert len(registry.of("register")) == 1


class Strict(FakeRegistry):
    """Refuses what an agent says of itself, until it is told not to."""

    strict = True

    def reply(self, call: Call) -> Reply:
        if self.strict and call.kind == "heartbeat" and call.body:
            self.calls.append(call)
            return Reply(422, {"detail": "note: no"})
        return super().reply(call)


def test_words_that_are_refused_cost_no_lease(caplog: pytest.LogCaptureFixture) -> None:
    said = {"status": "degraded", "note": "a word too many"}

    async def story(registry: Strict) -> None:
        async with living(registry, report=lambda: said) as client:
            await beats(registry, 6)
            assert client.problem is None
            assert client._schedule.failures == 0
            registry.strict = False
            await beats(registry, 3)

    registry = Strict()
    with registry:
        asyncio.run(story(registry))
        assert [call.body for call in registry.of("heartbeat")[:4]] == [said, {}, said, {}]
        assert [call.body for call in registry.of("heartbeat")[-2:]] == [said, said]
        assert len(registry.of("register")) == 1
    told = "the registry refused the agent's report: 422, note: no"
    assert caplog.text.count(told) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_refusal_of_the_lease_is_not_taken_for_one_of_words(
    registry: FakeRegistry, status: int
) -> None:
    registry.script["heartbeat"] = [Reply(status)]

    async def story() -> None:
        async with living(registry, report=lambda: {"note": "a"}) as client:
            await wait_in_loop(
                lambda: client.problem or len(registry.of("register")) == 2, "what comes of it"
            )

    asyncio.run(story())
    assert all(call.body == {"note": "a"} for call in registry.of("heartbeat"))


def test_the_pause_that_the_registry_asks_for_is_kept(registry: FakeRegistry) -> None:
    registry.script["register"] = [Reply(503, headers={"Retry-After": "1"})]

    async def story() -> float:
        started = time.monotonic()
        async with living(registry) as client:
            await wait_in_loop(lambda: client.registered, "the registration")
            return time.monotonic() - started

    assert asyncio.run(story()) >= 1


def test_a_registry_that_comes_back_is_found_and_the_outage_is_logged_once(
    registry: FakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with living(registry) as client:
            await beats(registry, 1)
            registry.stop()
            await wait_in_loop(lambda: client._schedule.failures >= 3, "three failures")
            registry.start()
            await beats(registry, 1)

    with caplog.at_level(logging.INFO, "agent.registry"):
        asyncio.run(story())
    assert caplog.text.count("is not available") == 1


def test_a_report_that_fails_ends_no_loop(registry: FakeRegistry) -> None:
    reports = itertools.count()

    def report() -> dict[str, Any]:
        if next(reports) in (0, 2):
            raise ZeroDivisionError
        return {"status": "ready"}

    async def story() -> None:
        async with living(registry, report=report):
            await beats(registry, 2)

    asyncio.run(story())
