from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from agents.demo import past, seed
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing 30 days of them takes seconds."""
    monkeypatch.setattr(seed, "DAYS", 1)


def seeded(number: int = 1) -> str:
    output = StringIO()
    call_command("seed_demo", seed=number, stdout=output)
    return output.getvalue()


def facts() -> list[tuple[Any, ...]]:
    fields = ("agent_id", "host", "version", "state", "status", "load", "note", "seen_address")
    return list(AgentRecord.objects.order_by("pk").values_list(*fields))


def test_the_agents_are_valid_alive_and_found_by_their_words(api: APIClient) -> None:
    assert seeded().startswith("53 agents, ")
    for record in AgentRecord.objects.all():
        record.full_clean()
    assert len(api.get("/agents?limit=1000").json()) == 53
    found = api.get("/agents?search=billing&fields=agent_id").json()
    assert {one["agent_id"] for one in found} == {f"billing-{number}" for number in range(1, 7)}
    assert {one["agent_id"] for one in api.get("/agents?condition=quarantined").json()} == {
        "vision-4"
    }


def test_the_same_number_makes_the_same_fleet_and_another_another() -> None:
    fleets = []
    for number in (1, 1, 2):
        with transaction.atomic():
            seeded(number)
            fleets.append(facts())
            transaction.set_rollback(True)
    assert fleets[0] == fleets[1] != fleets[2]


def test_events_are_numbered_in_the_order_of_their_times() -> None:
    seeded()
    times = list(
        AgentEvent.objects.exclude(agent_id="").order_by("pk").values_list("at", flat=True)
    )
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(days=29)


def test_agents_hold_the_lease_of_their_newest_registration() -> None:
    seeded()
    assert seed.renew_all(Random(1)) == 53  # noqa: S311
    newest = AgentRecord.objects.get(pk=past.FLAPPING_AGENT).generation
    registrations = AgentEvent.objects.filter(
        agent_id=past.FLAPPING_AGENT, kind__in=["registered", "re-registered"]
    )
    assert newest == max(registrations.values_list("pk", flat=True))


def test_an_agent_that_vanished_last_night_is_explained(api: APIClient) -> None:
    seeded()
    assert api.get(f"/agents/{past.LOST_AGENT}").status_code == 404
    *_, expired, purged = AgentEvent.objects.filter(agent_id=past.LOST_AGENT).order_by("pk")
    assert (expired.kind, purged.kind) == ("expired", "purged")
    assert (purged.record or {})["host"] == past.LOST_HOST


def test_every_page_shows_it(admin_client: Client) -> None:
    seeded()
    for page in ("", "agents/agentrecord/", "agents/agentevent/", "agents/accesstoken/"):
        assert admin_client.get(f"/admin/{page}").status_code == 200
    charts = admin_client.get("/admin/overview/charts/")
    assert charts.status_code == 200


def test_a_registry_with_agents_or_a_history_is_left_as_it_is() -> None:
    AgentFactory.create(agent_id="mine")
    with pytest.raises(CommandError, match="has agents or a history"):
        seeded()
    assert list(AgentRecord.objects.values_list("pk", flat=True)) == ["mine"]


def test_what_has_expired_is_not_kept_alive() -> None:
    seeded()
    time_passes(61)
    assert seed.renew_all(Random(1)) == 0  # noqa: S311
