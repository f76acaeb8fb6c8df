"""Rate limits by address, token and agent; each test starts with empty counts."""

import logging
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from limits.storage import RedisStorage
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import rate_storages
from agents.rate_limits import Counter, InvalidRate, WindowCounter, parse_rate
from agents.rate_storages import OwnStorage
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from tests.agents.conftest import Register, both_paths
from tests.integration.registry_process import free_port
from tests.processes import wait_until

pytestmark = pytest.mark.usefixtures("fresh_counts")

TWO = "2/hour"
REGISTRATION = {"agent_id": "weather-1", "host": "10.0.0.7", "port": 8000}


def issue(**what: Any) -> str:
    token = access_tokens.issue(name="test", actor="test", **what)[1]
    return f"Bearer {token}"


def statuses(api: APIClient, times: int, method: str, path: str, **more: Any) -> list[int]:
    call = getattr(api, method)
    return [call(path, **more).status_code for _ in range(times)]


def assert_refused(answer: Any) -> None:
    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Too Many Requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("setting", "method", "path", "more"),
    [
        ("RATE_REGISTER_PER_ADDRESS", "post", "/agents/register", {"data": REGISTRATION}),
        ("RATE_READ_PER_ADDRESS", "get", "/agents", {}),
        ("RATE_READ_PER_ADDRESS", "get", "/agents/weather-1", {}),
        ("RATE_DEREGISTER_PER_ADDRESS", "delete", "/agents/weather-1", {}),
    ],
)
def test_calls_beyond_the_rate_of_an_address_are_refused(  # noqa: PLR0917 - fixtures and parameters
    api: APIClient, settings: Settings, setting: str, method: str, path: str, more: Any
) -> None:
    setattr(settings, setting, TWO)

    assert 429 not in statuses(api, 2, method, path, **more)
    assert_refused(getattr(api, method)(path, **more))
    # Other addresses and other calls are not affected.
    assert getattr(api, method)(path, **more, REMOTE_ADDR="10.0.0.8").status_code != 429
    assert api.get("/health").status_code == 200
    assert api.options("/agents").status_code == 200


@pytest.mark.django_db
def test_reading_the_list_and_an_agent_share_one_count(api: APIClient, settings: Settings) -> None:
    settings.RATE_READ_PER_ADDRESS = TWO
    api.get("/agents")
    api.get("/agents/weather-1")

    assert_refused(api.get("/agents"))


@pytest.mark.django_db
def test_the_rate_of_a_token_applies_across_addresses(api: APIClient, settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_READ_PER_TOKEN = TWO
    first, second = issue(may_read=True), issue(may_read=True)

    for last in range(2):
        address = f"10.0.0.{last}"
        answer = api.get("/agents", HTTP_AUTHORIZATION=first, REMOTE_ADDR=address)
        assert answer.status_code == 200

    assert_refused(api.get("/agents", HTTP_AUTHORIZATION=first, REMOTE_ADDR="10.0.0.9"))
    assert api.get("/agents", HTTP_AUTHORIZATION=second).status_code == 200


@pytest.mark.django_db
def test_addresses_of_one_ipv6_network_share_one_count(api: APIClient, settings: Settings) -> None:
    settings.RATE_READ_PER_ADDRESS = TWO
    for last in ("1", "abcd:1"):
        assert api.get("/agents", REMOTE_ADDR=f"2001:db8::{last}").status_code == 200

    assert_refused(api.get("/agents", REMOTE_ADDR="2001:db8::5"))
    assert api.get("/agents", REMOTE_ADDR="2001:db8:0:1::5").status_code == 200


@pytest.mark.django_db
@both_paths
def test_an_agent_that_sends_too_many_heartbeats_is_refused_and_others_are_not(
    api: APIClient, settings: Settings, register: Register
) -> None:
    settings.RATE_HEARTBEAT_PER_AGENT = "3/day"
    # The counts outlive the test's run by the other path, so each run has its own ids.
    noisy, good = (f"{name}-{type(api).__name__}" for name in ("noisy", "good"))
    lease = {"HTTP_LEASE_TOKEN": register(noisy)["lease_token"]}
    other = {"HTTP_LEASE_TOKEN": register(good)["lease_token"]}

    assert statuses(api, 3, "post", f"/agents/{noisy}/heartbeat", **lease) == [200] * 3
    answer = api.post(f"/agents/{noisy}/heartbeat", **lease)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert api.post(f"/agents/{good}/heartbeat", **other).status_code == 200
    # The count belongs to the lease, and a new one starts at zero.
    again = {"HTTP_LEASE_TOKEN": register(noisy)["lease_token"]}
    assert api.post(f"/agents/{noisy}/heartbeat", **again).status_code == 200


@pytest.mark.django_db
def test_after_too_many_wrong_tokens_an_address_is_refused_without_a_query(
    api: APIClient, settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_WRONG_TOKENS_PER_ADDRESS = "3/hour"
    good = issue(may_read=True)
    wrong = [f"Bearer art_{'a' * 11}{digit}_{'x' * 43}" for digit in range(4)]
    for header in wrong[:3]:
        assert api.get("/agents", HTTP_AUTHORIZATION=header).status_code == 401

    with django_assert_num_queries(0):
        assert_refused(api.get("/agents", HTTP_AUTHORIZATION=wrong[3]))
        assert_refused(api.get("/agents", HTTP_AUTHORIZATION=good))
    assert api.get("/agents", HTTP_AUTHORIZATION=good, REMOTE_ADDR="10.0.0.8").status_code == 200
    # A token that was valid a moment ago is not blocked by a neighbour's wrong ones.
    assert api.get("/agents", HTTP_AUTHORIZATION=good).status_code == 200
    assert api.get("/health").status_code == 200


@pytest.mark.django_db
def test_missing_tokens_do_not_count_as_wrong_ones(api: APIClient, settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_WRONG_TOKENS_PER_ADDRESS = TWO

    assert statuses(api, 5, "get", "/agents") == [401] * 5


@pytest.mark.django_db
def test_a_revoked_token_counts_as_a_wrong_one(api: APIClient, settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_WRONG_TOKENS_PER_ADDRESS = TWO
    token, text = access_tokens.issue(name="test", actor="test", may_read=True)
    header = f"Bearer {text}"
    assert api.get("/agents", HTTP_AUTHORIZATION=header).status_code == 200
    access_tokens.revoke(key=token.key, actor="test")
    token_cache.forget(token.key)

    assert statuses(api, 3, "get", "/agents", HTTP_AUTHORIZATION=header) == [401, 401, 429]


def test_the_document_describes_rate_limits(client: Client) -> None:
    paths = client.get("/schema?format=json").json()["paths"]

    for path in ("/agents", "/agents/register", "/agents/{agent_id}"):
        for call in paths[path].values():
            assert "Retry-After" in call["responses"]["429"]["headers"]
    assert "429" not in paths["/health"]["get"]["responses"]


@pytest.mark.parametrize("rate", ["fast", "0/second", "-1/second", "10", "10/fortnight"])
def test_an_invalid_rate_is_refused(rate: str) -> None:
    with pytest.raises(InvalidRate):
        parse_rate(rate)


@pytest.mark.parametrize("off", ["off", "", " OFF "])
def test_a_rate_may_be_off(off: str) -> None:
    assert parse_rate(off) is None


def test_past_keys_are_forgotten() -> None:
    counter = WindowCounter()
    for key in range(1000):
        assert counter.count("1/second", key) is None

    def is_forgotten() -> bool:
        counter.count("1/second", 1)
        return len(counter._calls) <= 2

    wait_until(is_forgotten, "the end of the second of the last call")


@pytest.fixture
def redis_server(
    redis_program: str, tmp_path: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of the test's own, which it may stop."""
    port = free_port()
    command = [redis_program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: _answers(url), "an answer of Redis")
        yield url, process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    return RedisStorage(url).check()


@pytest.mark.integration
class TestInRedis:
    def test_processes_share_their_counts(
        self, redis_server: tuple[str, subprocess.Popen[bytes]]
    ) -> None:
        rate = parse_rate("10/hour")
        assert rate is not None
        counters = [Counter(redis_server[0]) for _ in range(4)]  # as four processes would have
        with ThreadPoolExecutor(4) as pool:
            refusals = list(pool.map(lambda turn: counters[turn % 4].hit(rate, "key"), range(40)))

        assert refusals.count(None) == 10
        refused = next(refusal for refusal in refusals if refusal)
        assert 1 <= refused.wait <= 3600

    @pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
    def test_without_redis_calls_neither_wait_nor_fail_and_one_line_is_logged(
        self,
        redis_server: tuple[str, subprocess.Popen[bytes]],
        caplog: pytest.LogCaptureFixture,
        fault: signal.Signals,
    ) -> None:
        url, process = redis_server
        counter = Counter(url)
        rate = parse_rate("3/hour")
        assert rate is not None
        assert counter.hit(rate, "key") is None
        process.send_signal(fault)
        started = time.monotonic()
        with caplog.at_level(logging.WARNING):
            refusals = [counter.hit(rate, "key") for _ in range(4)]

        assert time.monotonic() - started < 1
        assert [refusal is None for refusal in refusals] == [True, True, True, False]
        assert counter.test(rate, "other") is None
        assert [record.name for record in caplog.records] == ["agents.rate_limits"]

    def test_calls_of_many_keys_are_counted_together(
        self, redis_server: tuple[str, subprocess.Popen[bytes]]
    ) -> None:
        url, process = redis_server
        counter = Counter(url)
        rate = parse_rate("3/hour")
        assert rate is not None
        assert counter.hit(rate, "name", "a") is None

        assert counter.hit_each(rate, "name", {"a": 2, "b": 3, "c": 4}) == {"a", "b"}

        assert counter.hit(rate, "name", "a") is not None
        assert counter.hit(rate, "name", "c", cost=3) is None
        process.kill()
        assert counter.hit_each(rate, "name", {"a": 3, "b": 4}) == {"a"}


@pytest.mark.django_db
@both_paths
def test_a_fleet_within_its_rates_is_never_refused(
    api: APIClient, settings: Settings, register: Register
) -> None:
    """The rates are the defaults of token mode."""
    for name in ("REGISTER", "READ", "DEREGISTER"):
        setattr(settings, f"RATE_{name}_PER_ADDRESS", "300/second")
    settings.RATE_HEARTBEAT_PER_AGENT = "10/second"
    answers: list[HttpResponse] = []
    for number in range(50):
        agent = register(f"agent-{number}")
        token = {"HTTP_LEASE_TOKEN": agent["lease_token"]}
        answers += [
            api.post(f"/agents/agent-{number}/heartbeat", **token),
            api.get(f"/agents/agent-{number}"),
            api.delete(f"/agents/agent-{number}", **token),
        ]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.django_db
def test_the_rate_of_registrations_of_one_id_is_limited(api: APIClient, settings: Settings) -> None:
    settings.RATE_REGISTER_PER_AGENT = "3/hour"
    assert statuses(api, 3, "post", "/agents/register", data=REGISTRATION) == [201, 200, 200]

    assert_refused(api.post("/agents/register", REGISTRATION))
    assert api.post("/agents/register", REGISTRATION | {"agent_id": "other"}).status_code == 201


@pytest.mark.django_db
def test_unauthorized_calls_are_counted(api: APIClient, settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_READ_PER_ADDRESS = TWO
    assert statuses(api, 2, "get", "/agents") == [401, 401]

    assert_refused(api.get("/agents"))


class TestInMemoryStorage:
    def test_a_call_starts_no_thread(self) -> None:
        storage = OwnStorage()
        sweep = storage.timer
        wait_until(lambda: not sweep.thread.is_alive(), "the end of the first sweep")

        for _ in range(100):
            storage.incr("a", 60)

        assert storage.timer is sweep

    def test_expired_keys_are_removed_repeatedly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_storages, "SECONDS_BETWEEN_SWEEPS", 0)
        storage = OwnStorage()
        first = storage.timer
        wait_until(lambda: not first.thread.is_alive(), "the end of the first sweep")
        storage.incr("over", 0.001)

        def is_forgotten() -> bool:
            storage.incr("other", 60)
            return "over" not in storage.storage

        wait_until(is_forgotten, "the removal of the expired key")
        assert storage.storage["other"] > 0
