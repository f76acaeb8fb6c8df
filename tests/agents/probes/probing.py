"""Agents with probes, and registries that probe."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from agents.database.clock import DatabaseNow
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.outbound.networks import Networks
from agents.probes.run import run_probes
from agents.probes.survey import survey
from agents.states import Probe
from tests.factories import AgentFactory

LOCAL = Networks.parse(["127.0.0.1"])


@pytest.fixture
def probes_on(settings: Settings) -> None:
    """Probe agents on this machine, and believe a single failure or success."""
    settings.PROBE_NETWORKS = LOCAL
    settings.PROBE_FAILURES = settings.PROBE_SUCCESSES = 1
    settings.PROBE_TIMEOUT_SECONDS = 20.0
    # Elsewhere than the agents of the tests, which have any port of this machine.
    settings.REGISTRY_URL = "http://192.0.2.1:9000"
    settings.CELERY_BROKER_URL = settings.RATE_STORE_URL = "memory://"


def at_work() -> None:
    """As if a worker had just looked for agents to probe."""
    row = ProbeMark(at=DatabaseNow(), left=0, looked_at=DatabaseNow())
    ProbeMark.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["id"], update_fields=["at"]
    )


def probed_agent(verdict: Probe | str, **more: Any) -> AgentRecord:
    """Create an agent of which probes have found this."""
    agent = AgentFactory.create(**more)
    AgentProbe.objects.create(
        agent_id=agent.pk,
        generation=agent.generation,
        due_at=DatabaseNow(),
        probed_at=DatabaseNow(),
        verdict=verdict,
        reason="503 Service Unavailable",
    )
    at_work()
    return agent


def probe_all() -> int:
    """Probe each agent now; return how many."""
    survey()
    AgentProbe.objects.update(due_at=DatabaseNow())
    ProbeMark.objects.update(at=F("at") - timedelta(seconds=2))  # gives a whole budget
    return run_probes(60)
