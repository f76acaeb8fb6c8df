from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.metrics.shared_counts import LARGE
from agents.models import SweepMark
from registry_project.endpoints.exposition import AGENTS
from registry_project.endpoints.health import FLEET
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
        "version": VERSION,
    }


@pytest.mark.django_db
def test_a_new_agent_is_counted_at_once(client: Client) -> None:
    for agents in (1, 2, 3):
        AgentFactory.create()
        assert client.get("/health").json()["registered_agents"] == agents


@pytest.mark.django_db
def test_the_counts_of_a_large_fleet_are_shared_between_requests(
    client: Client, django_assert_num_queries: Any
) -> None:
    fleet(LARGE)
    # /metrics also queries the last sweep and the uptime.
    for path, shared, queries in (("/health", FLEET, 0), ("/metrics", AGENTS, 2)):
        try:
            first = client.get(path).content
            with django_assert_num_queries(queries):
                assert client.get(path).content == first
        finally:
            shared.forget()


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


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_health_check_costs_one_query_and_no_session(
    admin_client: Client, django_assert_num_queries: object, path: str
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        admin_client.get(path)
