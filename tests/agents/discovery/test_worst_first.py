"""All agents, the worst condition first, found without ranking all."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.conditions import condition_rank
from agents.discovery.worst_first import worst_first
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.states import Probe, State, Status
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def _probed(settings: Any) -> None:
    settings.PROBE_NETWORKS = ()
    now = timezone.now()
    ProbeMark.objects.update_or_create(id=1, defaults={"at": now, "left": 0, "looked_at": now})


@pytest.mark.usefixtures("_probed")
def test_the_order_is_that_of_ranking_all_agents() -> None:
    now = timezone.now()
    heartbeats = [now, now - timedelta(seconds=50), now - timedelta(seconds=70)]
    verdicts = [Probe.ANSWERS, Probe.FLAPPING, Probe.UNREACHABLE]
    for state in State:
        for status in Status:
            for heartbeat in heartbeats:
                for verdict in verdicts:
                    agent = AgentFactory.create(
                        state=state, status=status, last_heartbeat=heartbeat, ttl_seconds=60
                    )
                    AgentProbe.objects.create(
                        agent_id=agent.pk, generation=agent.generation, due_at=now, verdict=verdict
                    )
    ranked = AgentRecord.objects.order_by(condition_rank().desc(), "pk")
    expected = list(ranked.values_list("pk", flat=True))

    agents = AgentRecord.objects.with_read_at()
    assert [agent.pk for agent in worst_first(agents, 0, len(expected) + 5)] == expected
    for start in range(0, len(expected), 7):
        found = [agent.pk for agent in worst_first(agents, start, start + 7)]
        assert found == expected[start : start + 7]


def test_two_queries_find_a_page(django_assert_num_queries: Any) -> None:
    AgentFactory.create_batch(5)
    AgentFactory.create_batch(2, expired=True, status="degraded", state="draining")

    with django_assert_num_queries(2):
        page = worst_first(AgentRecord.objects.with_read_at(), 0, 4)

    assert [agent.state for agent in page] == ["draining", "draining", "active", "active"]
    assert len({agent.pk for agent in page}) == 4
