"""What probes have found is part of an agent's condition, wherever that is shown or asked for."""

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db.models import F
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import leases
from agents.conditions import WORDS, condition_of, condition_rank, with_probes
from agents.discovery.watch import View
from agents.discovery.watch.changes import read_changes
from agents.history import feed
from agents.models import AgentEvent, AgentProbe, AgentRecord, ProbeMark
from agents.probes.record import record
from agents.probes.result import Outcome, Result, Target
from agents.querysets import read_at
from agents.states import Level, Probe, State, Status
from tests.agents.discovery.listing import listed
from tests.agents.probes.probing import at_work, probed_agent
from tests.factories import AgentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probes_on")]


def condition(agent_id: str) -> Any:
    agent = with_probes(AgentRecord.objects.with_read_at()).get(pk=agent_id)
    return condition_of(agent, read_at(agent))


def probe_fact(agent_id: str) -> tuple[str, str]:
    [fact] = [fact for fact in condition(agent_id).facts if fact.source == "probe"]
    return fact.word, fact.reason


class TestConditions:
    @pytest.mark.parametrize(
        ("verdict", "more", "decides", "level"),
        [
            (Probe.ANSWERS, {}, "alive", Level.OK),
            (Probe.NOT_PROBED, {}, "alive", Level.OK),
            (Probe.NOT_READY, {}, "not ready", Level.WARN),
            (Probe.FLAPPING, {}, "flapping", Level.WARN),
            (Probe.UNREACHABLE, {}, "unreachable", Level.BAD),
            (Probe.UNREACHABLE, {"state": "quarantined"}, "unreachable", Level.BAD),
            (Probe.NOT_READY, {"state": "draining"}, "draining", Level.HOLD),
            # Of equally bad facts, the probe comes last.
            (Probe.UNREACHABLE, {"expired": True}, "expired", Level.BAD),
            (Probe.NOT_READY, {"status": "degraded"}, "degraded", Level.WARN),
        ],
    )
    def test_the_worst_fact_decides(
        self, verdict: Probe, more: dict[str, Any], decides: str, level: Level
    ) -> None:
        agent = probed_agent(verdict, **more)

        found = condition(agent.pk)

        assert (found.word, found.level) == (decides, level)

    def test_the_reason_is_that_of_the_last_probe(self) -> None:
        agent = probed_agent(Probe.NOT_READY)
        AgentProbe.objects.update(probed_at=F("probed_at") - timedelta(minutes=2))

        assert str(condition(agent.pk)) == ("not ready: 503 Service Unavailable, probed 2 min ago")

    def test_agents_are_found_and_sorted_by_the_condition_that_they_are_shown_with(
        self, api: APIClient
    ) -> None:
        soon = timezone.now() - timedelta(seconds=50)
        kinds: list[dict[str, Any]] = [{}, {"last_heartbeat": soon}, {"expired": True}]
        verdicts = [*Probe.values, "new"]
        for verdict, state, status, more in product(verdicts, State.values, Status.values, kinds):
            probed_agent(verdict, state=state, status=status, **more)
        agents = with_probes(AgentRecord.objects.with_read_at())
        ranked = agents.annotate(rank=condition_rank()).order_by("pk")
        shown = {agent.pk: condition_of(agent, read_at(agent)) for agent in ranked}

        for word in WORDS:
            matching = [pk for pk, one in shown.items() if one.word.replace(" ", "-") == word]
            assert listed(api, condition=word, include_dead="1") == matching
        assert {agent.pk: vars(agent)["rank"] for agent in ranked} == {
            pk: one.level.rank for pk, one in shown.items()
        }
        assert {one.word for one in shown.values()} >= {"unreachable", "not ready", "flapping"}


class TestWhatCounts:
    def test_nothing_is_known_before_the_first_probe(self) -> None:
        agent = AgentFactory.create()

        assert probe_fact(agent.pk) == (
            "not probed",
            "nothing is known: not probed yet, no worker at work, or most agents fail at once",
        )

    def test_a_new_registration_begins_anew(self, api: APIClient) -> None:
        agent = probed_agent(Probe.UNREACHABLE)

        registered = leases.register(agent_id=agent.pk, host="h", port=1)

        assert registered.agent.generation != agent.generation
        assert probe_fact(agent.pk)[0] == "not probed"
        assert api.get("/agents/pick").status_code == 200

    def test_when_no_worker_probes_any_more_nobody_is_unreachable(self, api: APIClient) -> None:
        agent = probed_agent(Probe.UNREACHABLE, ttl_seconds=3600)
        assert api.get("/agents/pick").status_code == 404

        ProbeMark.objects.update(at=F("at") - timedelta(seconds=61))

        assert api.get("/agents/pick").status_code == 200
        assert listed(api, condition="unreachable") == []
        assert probe_fact(agent.pk)[0] == "not probed"

    def test_where_probes_are_off_what_they_found_is_forgotten(
        self, api: APIClient, settings: Settings
    ) -> None:
        agent = probed_agent(Probe.UNREACHABLE)

        settings.PROBE_NETWORKS = None

        assert api.get("/agents/pick").status_code == 200
        assert listed(api, condition="unreachable") == []
        assert probe_fact(agent.pk) == ("not probed", "the registry does not probe agents")


class TestJson:
    @pytest.mark.parametrize("verdict", [Probe.ANSWERS, Probe.UNREACHABLE])
    def test_an_agent_has_what_its_probes_found(self, api: APIClient, verdict: Probe) -> None:
        agent = probed_agent(verdict)

        for path in ("/agents", "/agents?format=json", f"/agents/{agent.pk}"):
            answer = api.get(path).json()
            [found] = answer if isinstance(answer, list) else [answer]
            assert found["probe"] == verdict

    def test_a_browser_sees_it_too(self, api: APIClient) -> None:
        probed_agent(Probe.UNREACHABLE)

        page = api.get("/agents", headers={"Accept": "text/html"}).content.decode()

        assert "&quot;unreachable&quot;" in page

    def test_a_page_changes_with_it(self, api: APIClient) -> None:
        agent = probed_agent(Probe.ANSWERS)
        fields = "/agents?fields=agent_id,probe"
        before = api.get(fields).headers["ETag"]
        assert api.get(fields).headers["ETag"] == before

        AgentProbe.objects.filter(agent_id=agent.pk).update(verdict=Probe.NOT_READY)

        assert api.get(fields).headers["ETag"] != before

    def test_it_is_not_probed_where_probes_are_off(
        self, api: APIClient, settings: Settings
    ) -> None:
        probed_agent(Probe.UNREACHABLE)
        settings.PROBE_NETWORKS = None

        assert api.get("/agents").json()[0]["probe"] == "not-probed"


class TestWatch:
    @pytest.fixture
    def agent(self) -> Target:
        at_work()
        agent = leases.register(agent_id="a", host="h", port=1).agent
        AgentProbe.objects.create(agent_id="a", generation=agent.generation, due_at=timezone.now())
        return Target("a", agent.generation, "h", 1)

    def watched(self, query: str, position: int) -> list[tuple[str, str]]:
        end = feed.settled_position()
        assert end is not None
        messages = read_changes(
            View.of(QueryDict(query)), position, end, follows_list=False
        ).messages
        return [(str(one.kind), one.as_json) for one in messages]

    def test_watchers_get_the_agent_when_its_probe_fails_and_recovers(self, agent: Target) -> None:
        for outcome, verdict in (
            (Outcome.UNREACHABLE, "unreachable"),
            (Outcome.ANSWERS, "answers"),
        ):
            position = feed.newest_position()
            record([(agent, Result(outcome, "r"))])

            [(kind, text)] = self.watched("", position)

            assert kind == "MODIFIED"
            assert f'"probe":"{verdict}"' in text

    def test_watchers_of_others_get_nothing(self, agent: Target) -> None:
        position = feed.newest_position()
        record([(agent, Result(Outcome.UNREACHABLE, "r"))])

        assert self.watched("tag=other", position) == []

    def test_a_probe_that_fails_after_the_lease_has_ended_removes_nobody(
        self, agent: Target
    ) -> None:
        AgentRecord.objects.update(recorded_expiry=timezone.now())
        position = feed.newest_position()
        record([(agent, Result(Outcome.UNREACHABLE, "r"))])

        assert self.watched("", position) == []

    def test_the_history_has_both_events(self, agent: Target) -> None:
        record([(agent, Result(Outcome.UNREACHABLE, "connection refused"))])
        record([(agent, Result(Outcome.ANSWERS, "200 OK"))])

        events = AgentEvent.objects.filter(actor="probe").order_by("pk")
        assert list(events.values_list("kind", "generation", "reason")) == [
            ("probe-failed", agent.generation, "connection refused"),
            ("probe-recovered", agent.generation, "200 OK"),
        ]


class TestAdmin:
    def test_the_list_shows_and_filters_by_it(self, admin_client: Client) -> None:
        agent = probed_agent(Probe.UNREACHABLE)
        AgentFactory.create(agent_id="other")

        page = admin_client.get("/admin/agents/agentrecord/?condition=unreachable").content.decode()

        assert f'data-agent="{agent.pk}"' in page
        assert 'level-bad">unreachable' in page
        assert "503 Service Unavailable, probed" in page
        assert 'data-agent="other"' not in page

    def test_the_page_of_an_agent_shows_the_facts_and_which_decided(
        self, admin_client: Client
    ) -> None:
        agent = probed_agent(Probe.NOT_READY)

        page = admin_client.get(f"/admin/agents/agentrecord/{agent.pk}/change/").content.decode()

        assert '<strong class="agent-label">not ready</strong> 503 Service Unavailable' in page
        decides = re.findall(r'id="fact-(\w+)" class="agent-decides"', page)
        assert decides == ["probe"]
        assert '<span class="agent-label level-warn">not ready</span>' in page

    def test_what_is_not_probed_is_shown_as_neither_good_nor_bad(
        self, admin_client: Client
    ) -> None:
        agent = AgentFactory.create()

        page = admin_client.get(f"/admin/agents/agentrecord/{agent.pk}/change/").content.decode()

        assert '<span class="agent-label">not probed</span>' in page
