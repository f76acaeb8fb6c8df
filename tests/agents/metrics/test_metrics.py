"""The metrics for Prometheus: counters of this process, gauges from the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from agents import leases
from agents.history.activity import count_events
from agents.history.record import Kind, record_event
from agents.leases.expiry.lookout import Lookout
from agents.leases.purge import registry_uptime
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.outbound.networks import Networks
from agents.probes.survey import survey
from agents.states import Probe
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from registry_project.version import VERSION
from tests.agents.conftest import Register, both_paths
from tests.agents.notifications.setup import dispatch_all, make_channel, make_rule
from tests.agents.passing_time import fleet, heartbeats, time_passes
from tests.agents.probes.probing import probed_agent
from tests.factories import AgentFactory

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
def test_the_time_of_each_call_with_heartbeats_is_measured(
    api: APIClient, register: Register
) -> None:
    register("a")
    before = scrape(api)

    for _ in range(3):
        api.post("/agents/a/heartbeat")
    api.post("/agents/heartbeat", {"agents": [{"agent_id": "a"}, {"agent_id": "unknown"}]})

    after = scrape(api)
    grown = {name: after[name] - before[name] for name in after if "heartbeat_seconds" in name}
    assert grown["heartbeat_seconds_count"] == grown['heartbeat_seconds_bucket{le="+Inf"}'] == 4
    assert grown["heartbeat_seconds_sum"] > 0


@pytest.mark.django_db
def test_ends_and_recoveries_of_leases_are_counted(api: APIClient) -> None:
    before = scrape(api)

    fleet(2, silent_for=70)
    (agent_id,) = fleet(1, silent_for=70)
    Lookout().check()
    heartbeats([agent_id])
    Lookout().check()

    assert increases(before, scrape(api)) == {"expiries_total": 3, "recoveries_total": 1}


@pytest.mark.django_db
def test_the_age_of_the_oldest_uncounted_event_is_the_lag_of_the_feed(
    api: APIClient, register: Register
) -> None:
    assert 'feed_lag_seconds{reader="activity"}' not in scrape(api)
    register("a")
    count_events()
    assert scrape(api)['feed_lag_seconds{reader="activity"}'] == 0

    register("b")
    time_passes(100)
    register("c")

    assert 100 <= scrape(api)['feed_lag_seconds{reader="activity"}'] < 160


@pytest.mark.django_db
def test_probes_are_reported_where_the_registry_probes(api: APIClient, settings: Settings) -> None:
    probed_agent(Probe.UNREACHABLE)
    probed_agent(Probe.ANSWERS)
    assert not [name for name in scrape(api) if "probe" in name]

    settings.PROBE_NETWORKS = Networks()
    AgentProbe.objects.update(due_at=F("due_at") - timedelta(seconds=100))
    ProbeMark.objects.update(total=7, looked_at=F("looked_at") - timedelta(seconds=60))
    survey()

    samples = scrape(api)
    assert samples["probes_total"] == 7
    assert samples['probed_agents{verdict="unreachable"}'] == 1
    assert samples['probed_agents{verdict="answers"}'] == 1
    assert samples['probed_agents{verdict="flapping"}'] == 0
    assert samples["probes_doubted"] == 0
    assert 100 <= samples["probe_lag_seconds"] < 160


@pytest.mark.django_db
def test_agents_are_counted_by_the_tags_that_a_setting_names(
    api: APIClient, settings: Settings
) -> None:
    AgentFactory.create(tags=["gpu", "other"])
    AgentFactory.create(tags=["gpu"], last_heartbeat=timezone.now() - timedelta(hours=1))
    assert not [name for name in scrape(api) if name.startswith("tagged_agents")]

    settings.METRICS_TAGS = ["gpu", 'a "b"\\']

    found = {name: value for name, value in scrape(api).items() if "tagged_agents" in name}
    assert found == {
        'tagged_agents{lease="alive",tag="gpu"}': 1,
        'tagged_agents{lease="expired",tag="gpu"}': 1,
        'tagged_agents{lease="alive",tag="a "b"\\"}': 0,
        'tagged_agents{lease="expired",tag="a "b"\\"}': 0,
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
    assert samples["agents_counted_timestamp_seconds"] == pytest.approx(time.time(), abs=60)
    assert samples["database_up"] == 1


@pytest.mark.django_db
def test_sweeps_are_reported(api: APIClient) -> None:
    before = scrape(api)
    assert "last_sweep_timestamp_seconds" not in before
    assert before["purges_total"] == 0
    fleet(3, silent_for=70)
    leases.purge_expired()
    fleet(12, silent_for=70)
    leases.purge_expired()

    samples = scrape(api)

    assert samples["last_sweep_timestamp_seconds"] == pytest.approx(time.time(), abs=60)
    assert samples["sweep_overdue"] == 0
    assert samples["held_agents"] == 12
    assert samples["purges_total"] == 3


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
    assert f'build_info{{version="{VERSION}"}}' in samples
    assert "held_agents" not in samples


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


@pytest.mark.django_db
def test_notification_channels_are_reported(client: Client) -> None:
    assert not [name for name in scrape(client) if "channel" in name]
    channel = make_channel("hooks", delivered_total=7, given_up_total=2, failures_total=9)
    make_channel("broken", is_enabled=False, disabled_reason="no success for 24 h")
    make_channel("off", is_enabled=False)
    make_rule("drained", channel=channel)
    record_event(Kind("drained"), actor="agent", agent_id="a")
    assert scrape(client)['feed_lag_seconds{reader="notifications"}'] > 0
    dispatch_all()

    samples = scrape(client)

    assert samples['feed_lag_seconds{reader="notifications"}'] == 0
    assert samples['notifications_waiting{channel="hooks"}'] == 1
    assert samples['notification_channel_works{channel="hooks"}'] == 1
    assert samples['notification_channel_works{channel="broken"}'] == 0
    assert 'notification_channel_works{channel="off"}' not in samples
    assert samples['notifications_total{channel="hooks",result="delivered"}'] == 7
    assert samples['notifications_total{channel="hooks",result="given_up"}'] == 2
    assert samples['notification_failures_total{channel="hooks"}'] == 9
