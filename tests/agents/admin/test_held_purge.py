"""The banner while purging is held, and the button to purge anyway."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents import leases
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import fleet, heartbeats

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
LIST = reverse("admin:agents_agentrecord_changelist")
EVENTS = reverse("admin:agents_agentevent_changelist")
PURGE_ANYWAY = reverse("admin:agents_agentrecord_purge_anyway")
VIEW, REMOVE = "view_agentrecord", "delete_agentrecord"
Staff = Callable[..., Client]


@pytest.fixture
def held() -> list[str]:
    """Twelve silent agents of fourteen, whose purge the sweep holds."""
    ids = fleet(12, silent_for=70)
    fleet(2)
    assert leases.purge_expired().held == 12
    return ids


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_banner_shows_how_many_are_held_since_when_and_until_when(
    staff: Staff, held: list[str]
) -> None:
    page = text_of(staff(VIEW), LIST)

    begin = AgentEvent.objects.get(kind="purge-held").at
    assert "Purging is held:" in page
    assert "12 of 14 agents fell silent at once" in page
    assert "12 expired agents are not listed" in page
    assert f">{begin:%Y-%m-%d %H:%M:%S} UTC</time>" in page
    assert "(in 14 min)" in page


def test_the_overview_lists_a_held_purge(staff: Staff, held: list[str]) -> None:
    page = text_of(staff(VIEW), INDEX)

    assert (
        "12 of 14 agents fell silent at once, which is probably a network problem; 12 expired "
        "agents are not listed, but can come back for another 14 min"
    ) in page


@pytest.mark.parametrize("url", [INDEX, LIST])
def test_without_a_hold_there_is_no_banner(staff: Staff, url: str) -> None:
    fleet(9, silent_for=70)
    leases.purge_expired()

    assert "fell silent at once" not in text_of(staff(VIEW), url)


def test_the_banner_disappears_when_the_agents_are_back(staff: Staff, held: list[str]) -> None:
    client = staff(VIEW)
    heartbeats(held)

    assert "fell silent at once" not in text_of(client, INDEX)


def test_users_who_may_not_view_agents_see_no_banner(staff: Staff, held: list[str]) -> None:
    assert "fell silent at once" not in text_of(staff("view_agentevent"), INDEX)


def test_users_who_may_not_delete_agents_cannot_purge(staff: Staff, held: list[str]) -> None:
    client = staff(VIEW)

    assert "Purge anyway" not in text_of(client, LIST)
    assert client.get(PURGE_ANYWAY).status_code == 403
    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
    assert AgentRecord.objects.count() == 14


def test_purging_anyway_asks_for_confirmation_with_the_number(
    staff: Staff, held: list[str]
) -> None:
    client = staff(VIEW, REMOVE)
    assert "Purge anyway" in text_of(client, LIST)

    answer = client.post(PURGE_ANYWAY)

    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Purge 12 expired agents?" in page
    assert 'value="Purge 12 agents"' in page
    assert AgentRecord.objects.count() == 14


def test_a_confirmed_purge_records_who_did_it(staff: Staff, held: list[str]) -> None:
    client = staff(VIEW, REMOVE, "view_agentevent")

    answer = client.post(PURGE_ANYWAY, {"confirmed": "yes"}, follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    page = answer.content.decode()
    assert "12 agents purged." in page
    assert "Purging is held" not in page
    assert AgentRecord.objects.count() == 2
    event = AgentEvent.objects.get(kind="purge-forced")
    assert event.actor == "admin:grace"
    events = text_of(client, EVENTS)
    assert "12 of 14 agents are silent; 12 purged" in events
    assert "agent_id__exact=&" not in events


def test_purging_needs_a_csrf_token(held: list[str], admin_user: object) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)  # type: ignore[arg-type]

    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
    assert AgentRecord.objects.count() == 14


def test_the_list_counts_the_fleet_only_during_a_hold(staff: Staff) -> None:
    client = staff(VIEW)
    fleet(3)

    assert fleet_counts(client, LIST) == 0
    fleet(12, silent_for=70)
    leases.purge_expired()
    assert fleet_counts(client, LIST) == 1


def test_the_overview_counts_the_fleet_once_for_its_tiles_and_the_banner(
    staff: Staff, held: list[str]
) -> None:
    assert fleet_counts(staff(VIEW), INDEX) == 1


def fleet_counts(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return sum("AS kind" in query["sql"] for query in queries.captured_queries)


def test_the_page_needs_the_permission_to_view_agents(staff: Staff, held: list[str]) -> None:
    client = staff(REMOVE)

    assert client.get(PURGE_ANYWAY).status_code == 403
    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
