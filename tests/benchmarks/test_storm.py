"""A small storm, and its judgement of a database that has lost something."""

import io
from pathlib import Path

import pytest

from agents import leases
from agents.models import AgentRecord
from agents.tokens.lease import verify
from benchmarks.fleet.costs import Meter
from benchmarks.fleet.progress import Progress
from benchmarks.storm.database import Verdict, judge, prepare
from benchmarks.storm.plan import Plan
from benchmarks.storm.results import Results
from benchmarks.storm.run import Run
from tests.agents.passing_time import time_passes
from tests.integration.registry_process import environment_for, ready_registry

PREFIX = "storm-"


def test_a_fleet_that_comes_back_at_once_is_registered_and_nothing_is_lost(tmp_path: Path) -> None:
    plan = Plan(agents=300, living=30, ttl=15, tokens=3, calm=0.5, watch=6, finds_out=True)
    environment = environment_for(tmp_path, REGISTRY_AUTH="token", TRUSTED_PROXIES="127.0.0.1")
    with ready_registry(tmp_path, environment) as registry:
        address = ("127.0.0.1", registry.port)
        run = Run(plan, address, environment, Meter(), Progress(io.StringIO()))
        run.execute()

    assert run.results.is_good(plan), run.results.details()
    assert run.results.responses["heartbeat of the lost", 404] == 300
    assert len(run.results.returned) >= 300
    assert run.results.line().startswith("300 registered in ")
    assert run.results.line().endswith(" s, 0 false expiries, 0 lost")


@pytest.mark.django_db
def test_what_was_acknowledged_and_is_not_there_is_lost() -> None:
    acknowledged = registered(5)
    AgentRecord.objects.filter(pk="storm-living-3").delete()
    acknowledged["storm-living-4"] += 1_000  # its last registration is not there

    assert judge(PREFIX, acknowledged) == Verdict(
        lost=["storm-living-3", "storm-living-4"], expired=[], purged=[]
    )


@pytest.mark.django_db
def test_an_agent_that_expires_or_is_purged_is_not_lost_but_a_false_expiry() -> None:
    acknowledged = registered(3)
    assert judge(PREFIX, acknowledged) == Verdict([], [], [])
    time_passes(61)
    leases.register(agent_id="storm-living-0", host="h", port=1)

    expired = judge(PREFIX, acknowledged)
    leases.purge_expired(force=True)
    purged = judge(PREFIX, acknowledged)

    gone = ["storm-living-1", "storm-living-2"]
    assert expired == Verdict(lost=[], expired=gone, purged=[])
    assert purged == Verdict(lost=[], expired=[], purged=gone)
    unanswered = dict.fromkeys(gone, 10**6)  # the purged registration was not the acknowledged one
    assert judge(PREFIX, unanswered) == Verdict(lost=gone, expired=[], purged=[])
    results = Results(registered=3, verdict=purged)
    assert results.line() == "3 registered in 0.0 s, 2 false expiries, 0 lost"


@pytest.mark.parametrize(
    ("registered", "seconds", "verdict", "is_good"),
    [
        (1_000, 30.0, Verdict([], [], []), True),
        (1_000, 30.1, Verdict([], [], []), False),
        (999, 30.0, Verdict([], [], []), False),
        (1_000, 30.0, Verdict(["a"], [], []), False),
        (1_000, 30.0, Verdict([], ["a"], []), False),
        (1_000, 30.0, Verdict([], [], ["a"]), False),
        (1_000, 30.0, None, False),
    ],
)
def test_a_good_storm(
    registered: int, seconds: float, verdict: Verdict | None, is_good: bool
) -> None:
    results = Results(registered=registered, seconds=seconds, verdict=verdict)
    assert results.is_good(Plan(agents=1_000, living=100)) is is_good


def test_a_fleet_of_100_000_may_take_90_seconds() -> None:
    assert Plan(agents=100_000, living=0).seconds_allowed == 90


def registered(number: int) -> dict[str, int]:
    """Return the generations of agents that live on, by id."""
    living = prepare(PREFIX, agents=0, living=number, ttl=60, tokens=2).living
    return {agent_id: verify(agent_id, token) for agent_id, token in living.items()}
