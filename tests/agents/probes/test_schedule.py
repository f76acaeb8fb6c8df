"""Agents are probed when they are due, spread over the interval, within a budget."""

import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import leases, tasks
from agents.database.clock import DatabaseNow, database_now
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.probes.result import Target
from agents.probes.schedule import Claim, claim
from agents.probes.survey import survey
from agents.states import Probe
from tests.agents.passing_time import fleet, heartbeats
from tests.agents.probes.probing import at_work, probed_agent
from tests.agents.racing import Together, postgresql_only
from tests.factories import AgentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probes_on")]


def seconds_pass(seconds: float) -> None:
    by = timedelta(seconds=seconds)
    AgentProbe.objects.update(due_at=F("due_at") - by)
    ProbeMark.objects.update(at=F("at") - by, looked_at=F("looked_at") - by)


def ids(found: Claim) -> list[str]:
    return [target.agent_id for target in found.targets]


def waits() -> Sequence[float]:
    """In how many seconds each agent is due."""
    now = database_now()
    return [(probe.due_at - now).total_seconds() for probe in AgentProbe.objects.all()]


def test_first_probes_are_spread_over_the_interval(settings: Settings) -> None:
    settings.PROBE_INTERVAL_SECONDS = 3000
    fleet(300)

    assert survey() == 300

    in_thirds = [
        sum(1000 * third - 60 <= wait < 1000 * third + 940 for wait in waits())
        for third in range(3)
    ]
    assert min(in_thirds) > 50
    assert max(waits()) <= 3000


def test_an_agent_is_enrolled_once_for_each_registration() -> None:
    leases.register(agent_id="a", host="127.0.0.1", port=80)
    assert survey() == 1
    AgentProbe.objects.update(failures=2, verdict="unreachable", reason="r", falls=3)
    seconds_pass(60)
    assert survey() == 0

    leases.register(agent_id="a", host="127.0.0.1", port=81)
    seconds_pass(60)

    assert survey() == 1
    probe = AgentProbe.objects.get()
    assert (probe.failures, probe.verdict, probe.reason, probe.falls) == (0, "not-probed", "", 0)
    assert probe.generation == AgentRecord.objects.get().generation


def test_expired_agents_are_not_enrolled() -> None:
    AgentFactory.create(expired=True)

    assert survey() == 0


def test_the_fleet_is_looked_at_again_only_after_a_hundred_times_as_long() -> None:
    survey()
    fleet(1)
    ProbeMark.objects.update(look_seconds=0.2)

    seconds_pass(10)
    assert survey() == 0

    seconds_pass(11)
    assert survey() == 1


def test_those_that_are_due_are_taken_the_longest_due_first() -> None:
    fleet(3)
    survey()
    for place, probe in enumerate(AgentProbe.objects.order_by("pk")):
        due: object = DatabaseNow() - timedelta(seconds=10 * place - 5)
        AgentProbe.objects.filter(pk=probe.pk).update(due_at=due)
    seconds_pass(2)
    first, second, third = AgentProbe.objects.order_by("pk").values_list("pk", flat=True)

    found = claim(10)

    assert ids(found) in ([third, second], [second, third])
    assert found.is_all
    assert ids(claim(10)) == []
    assert first not in ids(found)


def test_a_target_is_where_the_agent_is_registered() -> None:
    leases.register(agent_id="a", host="127.0.0.1", port=4711)
    survey()
    seconds_pass(60)

    generation = AgentRecord.objects.get().generation
    assert claim(1).targets == [Target("a", generation, "127.0.0.1", 4711)]


def test_the_next_probe_comes_after_the_interval_more_or_less(settings: Settings) -> None:
    settings.PROBE_INTERVAL_SECONDS = 1000
    fleet(20)
    survey()
    seconds_pass(1000)

    claim(100)

    assert all(840 < wait <= 1100 for wait in waits())
    assert len({round(wait, 3) for wait in waits()}) > 10


def test_an_expired_agent_is_not_called_but_remains_enrolled() -> None:
    ids_of_all = fleet(1)
    survey()
    seconds_pass(60)
    AgentRecord.objects.update(last_heartbeat=F("last_heartbeat") - timedelta(hours=1))

    assert claim(10).targets == []

    heartbeats()
    seconds_pass(60)
    assert ids(claim(10)) == ids_of_all


def test_the_probe_of_an_agent_that_is_gone_is_deleted() -> None:
    leases.register(agent_id="a", host="127.0.0.1", port=80)
    survey()
    leases.deregister(agent_id="a")
    seconds_pass(60)

    assert claim(10).targets == []
    assert not AgentProbe.objects.exists()


def test_once_an_hour_probes_of_agents_that_are_gone_are_deleted(settings: Settings) -> None:
    fleet(3)
    survey()
    leases.register(agent_id="a", host="127.0.0.1", port=80)
    settings.PROBE_NETWORKS = None
    AgentRecord.objects.exclude(pk="a").delete()
    seconds_pass(60)
    survey()

    tasks.delete_old_history()

    assert [probe.agent_id for probe in AgentProbe.objects.all()] == ["a"]


def test_no_more_than_the_budget_is_taken(settings: Settings) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 50
    fleet(200)
    survey()
    seconds_pass(3600)

    began = time.monotonic()
    found = claim(1000)
    assert (len(found.targets), found.is_all) == (50, False)

    seconds_pass(0.2)
    further = len(claim(1000).targets)
    assert 10 <= further <= min(50, (0.2 + time.monotonic() - began) * 50)


def test_agents_that_need_no_call_cost_no_budget(settings: Settings) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 5
    fleet(5)
    alive = fleet(5, prefix="z")
    survey()
    seconds_pass(3600)
    AgentProbe.objects.filter(pk__in=alive).update(due_at=F("due_at") + timedelta(seconds=60))
    AgentRecord.objects.exclude(pk__in=alive).update(
        last_heartbeat=F("last_heartbeat") - timedelta(hours=1)
    )

    assert claim(100).targets == []
    assert sorted(ids(claim(100))) == alive


def test_after_the_clock_was_set_back_probes_go_on() -> None:
    fleet(1)
    survey()
    seconds_pass(3600)
    ProbeMark.objects.update(at=F("at") + timedelta(hours=2), left=0)

    claim(1)
    seconds_pass(1)

    assert len(claim(1).targets) == 1


@postgresql_only
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_share_the_budget_and_take_no_agent_twice(
    settings: Settings, together: Together
) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 40
    fleet(200)
    survey()
    seconds_pass(3600)

    found = [agent_id for one in together(*[lambda: claim(10)] * 8) for agent_id in ids(one)]

    assert len(set(found)) == len(found)
    assert 40 <= len(found) <= 80


class TestDoubt:
    @pytest.mark.parametrize(
        ("failing", "others", "shown"),
        [
            (9, 0, {"unreachable"}),
            (10, 10, {"unreachable", "answers"}),
            (10, 9, {"not-probed"}),
        ],
    )
    def test_if_most_of_the_fleet_fails_no_verdict_is_believed(
        self, api: APIClient, failing: int, others: int, shown: set[str]
    ) -> None:
        for verdict, number in ((Probe.UNREACHABLE, failing), (Probe.ANSWERS, others)):
            for _ in range(number):
                probed_agent(verdict)
        seconds_pass(60)
        survey()
        at_work()

        assert {agent["probe"] for agent in api.get("/agents").json()} == shown
        expected = 404 if shown == {"unreachable"} else 200
        assert api.get("/agents/pick").status_code == expected

    def test_only_living_agents_count(self) -> None:
        for _ in range(10):
            probed_agent(Probe.UNREACHABLE, expired=True)

        survey()

        assert not ProbeMark.objects.get().is_doubted

    def test_verdicts_are_believed_again_when_fewer_fail(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(10):
            probed_agent(Probe.UNREACHABLE)
        seconds_pass(60)
        survey()
        assert ProbeMark.objects.get().is_doubted

        for agent in AgentProbe.objects.all()[:5]:
            AgentProbe.objects.filter(pk=agent.pk).update(verdict=Probe.ANSWERS)
        seconds_pass(60)
        survey()

        assert not ProbeMark.objects.get().is_doubted
        assert caplog.messages == [
            "10 of 10 agents fail; probes are not believed: most of the fleet fails",
            "5 of 10 agents fail; probes are believed again",
        ]
