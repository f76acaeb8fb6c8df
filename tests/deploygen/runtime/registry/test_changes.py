"""Changes of status are reported at once, within a limit."""

import time
from pathlib import Path

import pytest

from deploygen.runtime.registry import changes
from deploygen.runtime.registry.changes import SHORTEST_PAUSE_SECONDS, StatusChanges
from tests.deploygen.fake_registry import FakeRegistry, Reply
from tests.deploygen.runtime.registry.test_registration import joining, statuses
from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_until

LOADS = """
import pathlib, time
while not pathlib.Path({go!r}).exists(): time.sleep(0.01)
def handle(inputs): return inputs
"""


class Agent:
    """Has a status, a clock, and heartbeats that report the status."""

    def __init__(self) -> None:
        self.status = "starting"
        self.now = 100.0
        self.sent: list[str] = []
        self.changes = StatusChanges(lambda: self.status, self.send, lambda: self.now)

    def send(self) -> None:
        self.sent.append(self.status)
        self.changes.reported(self.status)


def test_an_agent_that_becomes_ready_is_ready_in_the_registry_at_once(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    go = tmp_path / "go"
    registry.heartbeat_interval = 200
    more = joining(registry, heartbeat_interval=None, ttl_seconds=600)
    with running_agent(tmp_path, LOADS.format(go=str(go)), **more):
        wait_until(lambda: registry.of("register"), "the registration")
        assert registry.of("register")[0].body["status"] == "starting"
        go.touch()
        wait_until(lambda: statuses(registry) == ["ready"], "the report")


def test_a_registry_that_is_away_is_not_called_sooner(
    tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.01)
    go = tmp_path / "go"
    registry.always["heartbeat"] = Reply(503, {"title": "Away"}, {"Retry-After": "200"})
    # Long enough for the response to arrive on a busy machine.
    more = joining(registry, heartbeat_interval=2)
    with running_agent(tmp_path, LOADS.format(go=str(go)), **more) as agent:
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")
        go.touch()
        agent.wait_until_ready()
        then = time.monotonic() + 0.3
        wait_until(lambda: time.monotonic() > then, "some looks at the status")
        assert statuses(registry) == ["starting"]


def test_a_change_before_the_first_report_is_not_one() -> None:
    agent = Agent()
    agent.changes.look()
    agent.status = "ready"
    agent.changes.look()
    assert agent.sent == []


def test_a_status_that_flaps_is_reported_within_the_limit() -> None:
    agent = Agent()
    agent.changes.reported("starting")
    for second in range(20):
        agent.now = 100.0 + second
        agent.status = "degraded" if second % 2 else "ready"
        agent.changes.look()
    assert len(agent.sent) == 20 / SHORTEST_PAUSE_SECONDS


def test_a_change_within_the_limit_is_reported_after_it() -> None:
    agent = Agent()
    agent.changes.reported("starting")
    for status, now in (("ready", 100.0), ("degraded", 101.0), ("degraded", 105.0)):
        agent.status, agent.now = status, now
        agent.changes.look()
    assert agent.sent == ["ready", "degraded"]


def test_a_status_that_stays_causes_no_heartbeat() -> None:
    agent = Agent()
    agent.changes.reported("starting")
    agent.changes.look()
    assert agent.sent == []
