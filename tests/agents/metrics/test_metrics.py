"""The metrics for Prometheus: counters of this process, gauges from the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from agents import leases
from agents.leases.purge import registry_uptime
from agents.models import AgentRecord
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from tests.agents.conftest import Register, both_paths
from tests.agents.passing_time import fleet

Samples = dict[str, float]


def scrape(client: Any) -> Samples:
    """Return the values by name and labels, in Prometheus's notation."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("agent_registry_")
            samples[f"{name}{{{labels}}}" if labels else name] = sample.value
    return samples


def increases(before: Samples, after: Samples) -> Samples:
    return {
        name: value - before.get(name, 0)
        for name, value in after.items()
        if "_total" in name and value != before.get(name, 0)
    }


@pytest.mark.django_db
@both_paths
def test_registrations_heartbeats_and_deregistrations_are_counted(
    api: APIClient, register: Register
) -> None:
    before = scrape(api)

    register("a")
    register("a")
    register("b")
    for _ in range(3):
        api.post("/agents/a/heartbeat")
    api.delete("/agents/b")

    assert increases(before, scrape(api)) == {
        'registrations_total{kind="new"}': 2,
        'registrations_total{kind="again"}': 1,
        "heartbeats_total": 3,
        "deregistrations_total": 1,
    }


@pytest.mark.django_db
@both_paths
def test_refusals_are_counted_by_their_reason(api: APIClient, register: Register) -> None:
    old = register("a")["lease_token"]
    register("a")
    before = scrape(api)

    api.post("/agents/unknown/heartbeat")
    api.post("/agents/a/heartbeat", headers={"Lease-Token": old})
    api.post("/agents/a/heartbeat", headers={"Lease-Token": "1.forged"})
    api.post("/agents/register", {"agent_id": "b", "port": "many"})

    counted = increases(before, scrape(api))
    assert counted.pop('refusals_total{reason="unknown_agent"}') == 1
    assert counted.pop('refusals_total{reason="stale_lease"}') == 1
    assert counted.pop('refusals_total{reason="invalid"}') == 1
    assert list(counted.values()) == [1]  # the forged token, under either name


@pytest.mark.django_db
@both_paths
def test_each_refusal_in_a_call_with_many_heartbeats_is_counted(
    api: APIClient, register: Register
) -> None:
    old = register("a")["lease_token"]
    register("a")
    before = scrape(api)

    wrong = [{"agent_id": f"b-{number}", "lease_token": "1.forged"} for number in range(4)]
    unknown = [{"agent_id": f"c-{number}"} for number in range(3)]
    stale = [{"agent_id": "a", "lease_token": old}] * 2
    answer = api.post("/agents/heartbeat", {"agents": [*wrong, *unknown, *stale, "no lease"]})

    assert answer.status_code == 200
    assert increases(before, scrape(api)) == {
        'refusals_total{reason="invalid_lease_token"}': 4,
        'refusals_total{reason="unknown_agent"}': 3,
        'refusals_total{reason="stale_lease"}': 2,
        'refusals_total{reason="invalid"}': 1,
    }


@pytest.mark.django_db
def test_the_fleet_is_counted_by_lease_and_state(api: APIClient) -> None:
    fleet(3)
    fleet(2, silent_for=70)
    leases.set_state(agent_id=fleet(1)[0], state="draining", actor="admin:ada")

    samples = scrape(api)

    assert samples['agents{lease="alive",state="active"}'] == 3
    assert samples['agents{lease="expired",state="active"}'] == 2
    assert samples['agents{lease="alive",state="draining"}'] == 1
    assert samples['agents{lease="expired",state="quarantined"}'] == 0
    assert samples["agents_age_seconds"] == 0
    assert samples["database_up"] == 1


@pytest.mark.django_db
def test_sweeps_are_reported(api: APIClient) -> None:
    before = scrape(api)
    assert "sweep_age_seconds" not in before
    assert before["purged_total"] == 0
    fleet(3, silent_for=70)
    leases.purge_expired()
    fleet(12, silent_for=70)
    leases.purge_expired()

    samples = scrape(api)

    assert samples["sweep_age_seconds"] < 60
    assert samples["sweep_overdue"] == 0
    assert samples["sweep_purged"] == 0
    assert samples["sweep_held"] == 12
    assert samples["purged_total"] == 3


@pytest.mark.django_db
def test_the_uptime_is_reported_once_it_is_recorded(api: APIClient) -> None:
    assert "uptime_seconds" not in scrape(api)

    registry_uptime.pulse()

    assert 0 <= scrape(api)["uptime_seconds"] < 60


@pytest.mark.django_db
def test_any_accept_header_gets_the_text_format(api: APIClient) -> None:
    answer = api.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_counters_are_reported_without_the_database(
    client: Client, database_away: None
) -> None:
    samples = scrape(client)

    assert samples["database_up"] == 0
    assert "heartbeats_total" in samples
    assert "sweep_held" not in samples


@pytest.mark.django_db
def test_in_token_mode_metrics_need_permission_to_read(client: Client, settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"
    assert client.get("/metrics").status_code == 401

    client.force_login(User.objects.create_superuser("grace"))
    assert client.get("/metrics").status_code == 200


@pytest.mark.django_db
def test_without_the_database_a_token_that_was_valid_may_still_read_metrics(
    client: Client,
    settings: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.REGISTRY_AUTH = "token"
    reader, text = access_tokens.issue(name="r", actor="command", may_register=False, may_read=True)
    _, other = access_tokens.issue(name="o", actor="command", may_register=False, may_read=True)
    good, unseen = ({"Authorization": f"Bearer {token}"} for token in (text, other))
    assert client.get("/metrics", headers=good).status_code == 200
    token_cache._tokens.forget()

    with without_database():
        assert client.get("/metrics", headers=good).status_code == 200
        assert client.get("/metrics", headers=unseen).status_code == 503

    with django_capture_on_commit_callbacks(execute=True):
        access_tokens.revoke(key=reader.key, actor="command")
    with without_database():
        assert client.get("/metrics", headers=good).status_code == 503


@contextmanager
def without_database() -> Iterator[None]:
    """Make every query fail, without ending the test's transaction."""

    def away(*_: Any, **__: Any) -> NoReturn:
        raise OperationalError("away")

    with connection.execute_wrapper(away):
        yield


@pytest.mark.django_db
@both_paths
def test_metrics_contain_no_text_from_agents(api: APIClient, register: Register) -> None:
    register("secret-agent", agent_name="secret", tags=["secret"], metadata={"secret": "secret"})
    api.post("/agents/secret-unknown/heartbeat")

    assert AgentRecord.objects.exists()
    assert b"secret" not in api.get("/metrics").content
