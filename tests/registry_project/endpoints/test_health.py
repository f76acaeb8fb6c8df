from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from agents.leases.fleet.last_count import LARGE
from agents.models import LastCount, SweepMark
from registry_project.version import VERSION
from tests.agents.passing_time import fleet
from tests.factories import AgentFactory


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_health_counts_the_fleet(client: Client, path: str) -> None:
    AgentFactory.create_batch(2)
    AgentFactory.create(expired=True)

    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "registered_agents": 3,
        "active_agents": 2,
        "count_age_seconds": 0,
        "version": VERSION,
    }


@pytest.mark.django_db
def test_a_new_agent_is_counted_at_once(client: Client) -> None:
    for agents in (1, 2, 3):
        AgentFactory.create()
        assert client.get("/health").json()["registered_agents"] == agents


@pytest.mark.django_db
def test_health_tells_how_old_the_count_of_a_large_fleet_is(client: Client) -> None:
    fleet(LARGE)
    fleet(2, silent_for=70)
    client.get("/health")
    LastCount.objects.update(seconds=1, at=F("at") - timedelta(seconds=42))
    fleet(1)

    answer = client.get("/health").json()

    assert (answer["registered_agents"], answer["active_agents"]) == (LARGE + 2, LARGE)
    assert 42 <= answer["count_age_seconds"] < 60


def test_liveness_needs_no_database(client: Client) -> None:
    """This test would fail if it queried: it has no `django_db` mark."""
    answer = client.get("/health/live")

    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}


@pytest.mark.django_db
def test_readiness_reports_the_last_purge(client: Client) -> None:
    at = timezone.now()
    SweepMark.objects.create(at=at, purged=0, held=12)

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": connection.vendor,
        "last_purge": at.isoformat().replace("+00:00", "Z"),
        "purge_overdue": False,
        "purge_held": 12,
    }


@pytest.mark.django_db
def test_a_registry_that_never_swept_is_ready(client: Client) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["last_purge"] is None


def test_the_registry_is_not_ready_without_its_database(
    client: Client, database_away: None
) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "reason": "the database does not answer"}
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("path", "queries"), [("/health", 2), ("/health/ready", 1)])
def test_a_health_check_reads_no_session(
    admin_client: Client, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    with django_assert_num_queries(queries):
        admin_client.get(path)
