"""Bounds on the calls of an address, and on those that wait; pages of other websites."""

import threading
from pathlib import Path

import httpx
import pytest

from deploygen.runtime.access import rates
from deploygen.runtime.access.rates import Rates
from deploygen.runtime.config import ConfigError
from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_until

PAGE = "https://page.example"
TOKEN = "0123456789abcdef"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_caller_has_the_whole_rate_at_once_and_then_a_call_each_interval() -> None:
    clock = Clock()
    bound = Rates("10/second", clock)
    assert [bound.seconds_to_wait("a") for _ in range(10)] == [0.0] * 10
    assert bound.seconds_to_wait("a") == pytest.approx(0.1)
    # A refused call costs nothing.
    assert bound.seconds_to_wait("a") == pytest.approx(0.1)
    assert bound.seconds_to_wait("b") == 0.0
    clock.now += 0.1
    assert bound.seconds_to_wait("a") == 0.0
    assert bound.seconds_to_wait("a") > 0
    clock.now += 60
    assert [bound.seconds_to_wait("a") > 0 for _ in range(11)] == [False] * 10 + [True]


@pytest.mark.parametrize(("rate", "seconds"), [("1/minute", 60), ("2/hour", 1800)])
def test_a_rate_may_be_by_the_minute_or_hour(rate: str, seconds: int) -> None:
    clock = Clock()
    bound = Rates(rate, clock)
    while not bound.seconds_to_wait("a"):
        pass
    assert bound.seconds_to_wait("a") == pytest.approx(seconds)
    clock.now += seconds
    assert bound.seconds_to_wait("a") == 0.0


def test_a_rate_can_be_off() -> None:
    bound = Rates("off", Clock())
    assert {bound.seconds_to_wait("a") for _ in range(1000)} == {0.0}


def test_callers_are_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CALLERS", 3)
    bound = Rates("1/hour", Clock())
    assert [bound.seconds_to_wait(caller) for caller in "abc"] == [0.0] * 3
    assert bound.seconds_to_wait("a") > 0  # so that b is the oldest
    assert bound.seconds_to_wait("d") == 0.0
    assert bound.seconds_to_wait("a") > 0
    assert bound.seconds_to_wait("b") == 0.0


def test_calls_above_the_rate_get_429_and_health_checks_never(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_RATE_PER_ADDRESS": "2/hour"}) as agent:
        assert [agent.run().status_code for _ in range(2)] == [200, 200]
        refused = agent.run()
        assert agent.http.post("/a2a", json={}).status_code == 429
        assert agent.http.get("/health").is_success
        assert agent.http.get("/docs").is_success
    assert refused.status_code == 429
    assert 1790 <= int(refused.headers["retry-after"]) <= 1800
    assert refused.json() == {"detail": "more than 2/hour from one address"}


def test_wrong_tokens_count_too(tmp_path: Path) -> None:
    environ = {"AGENT_RATE_PER_ADDRESS": "2/hour", "AGENT_TOKENS": TOKEN}
    with running_agent(tmp_path, environ=environ) as agent:
        assert [agent.run().status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "is_shared"),
    [
        # Anybody can send the header.
        ("", ["1.1.1.1", "2.2.2.2"], True),
        ("10.0.0.0/8", ["1.1.1.1", "2.2.2.2"], True),
        ("127.0.0.1", ["1.1.1.1", "2.2.2.2"], False),
        ("127.0.0.1", ["1.1.1.1, 3.3.3.3", "2.2.2.2, 3.3.3.3"], True),
        ("127.0.0.1, 3.3.3.3", ["1.1.1.1, 3.3.3.3", "2.2.2.2, 3.3.3.3"], False),
        ("127.0.0.1", ["nonsense", "2.2.2.2, other"], True),
        ("127.0.0.0/8", ["fd00::1", "fd00::2"], True),
        ("127.0.0.0/8", ["fd00:0:0:1::1", "fd00:0:0:2::1"], False),
        ("127.0.0.0/8", ["::ffff:1.1.1.1", "::ffff:2.2.2.2"], False),
    ],
)
def test_callers_behind_trusted_proxies_are_told_apart(
    tmp_path: Path, proxies: str, forwarded: list[str], is_shared: bool
) -> None:
    environ = {"AGENT_RATE_PER_ADDRESS": "1/hour", "AGENT_TRUSTED_PROXIES": proxies}
    with running_agent(tmp_path, environ=environ) as agent:
        statuses = [
            agent.http.post("/run", json={}, headers={"X-Forwarded-For": each}).status_code
            for each in forwarded
        ]
    assert statuses == [200, 429 if is_shared else 200]


def test_more_calls_than_may_wait_get_503_at_once(tmp_path: Path) -> None:
    go = tmp_path / "go"
    handler = f"""
import asyncio, pathlib
async def handle(inputs):
    while not pathlib.Path({str(go)!r}).exists(): await asyncio.sleep(0.01)
    return {{}}
"""
    answers: list[httpx.Response] = []
    with running_agent(tmp_path, handler, {"AGENT_MAX_WAITING": "1"}) as agent:
        agent.wait_until_ready()
        first = threading.Thread(target=lambda: answers.append(agent.run()))
        first.start()
        wait_until(lambda: agent.lifecycle.jobs.running == 1, "the first call")
        refused = agent.http.get("/status/x")
        assert agent.http.get("/health/ready").is_success
        go.touch()
        first.join()
        assert agent.http.get("/status/x").status_code == 404
    assert [each.status_code for each in answers] == [200]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json() == {"detail": "the limit of waiting calls is reached: 1"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AGENT_RATE_PER_ADDRESS", "100"),
        ("AGENT_RATE_PER_ADDRESS", "0/second"),
        ("AGENT_RATE_PER_ADDRESS", "1/day"),
        ("AGENT_MAX_WAITING", "0"),
        ("AGENT_MAX_WAITING", "many"),
        ("AGENT_TRUSTED_PROXIES", "proxy.example"),
        ("AGENT_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("AGENT_TRUSTED_PROXIES", "7"),
        ("AGENT_CORS_ORIGINS", "page.example"),
        ("AGENT_CORS_ORIGINS", "https://page.example/"),
        ("AGENT_CORS_ORIGINS", "https://Page.example"),
        ("AGENT_CORS_ORIGINS", "*"),
    ],
)
def test_an_invalid_setting_is_refused_by_the_name_of_its_variable(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}"):
        running_agent(tmp_path, environ={variable: value}).__enter__()


# --- Pages of other websites ------------------------------------------------------------------

PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


def test_by_default_no_page_of_another_website_can_call_the_agent(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        preflight = agent.http.options("/run", headers=PREFLIGHT)
        answer = agent.http.post("/run", json={}, headers={"Origin": PAGE})
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_the_named_origins_can_call_the_agent_and_read_its_errors(tmp_path: Path) -> None:
    environ = {"AGENT_CORS_ORIGINS": f"http://localhost:5173, {PAGE}", "AGENT_TOKENS": TOKEN}
    with running_agent(tmp_path, environ=environ) as agent:
        preflight = agent.http.options("/run", headers=PREFLIGHT)
        refused = agent.http.post("/run", json={}, headers={"Origin": PAGE})
        other = agent.http.post("/run", json={}, headers={"Origin": "https://other.example"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "a2a-version"} <= set(allowed.split(", "))
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in other.headers


def test_with_tokens_every_website_may_be_allowed(tmp_path: Path) -> None:
    environ = {"AGENT_CORS_ORIGINS": "*", "AGENT_TOKENS": TOKEN}
    with running_agent(tmp_path, environ=environ) as agent:
        answer = agent.http.get("/schema", headers={"Origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == "*"
