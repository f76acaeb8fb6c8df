"""What the admin says while a purge is held, and the button that has it done all the same."""

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
    """Twelve of fourteen agents that are silent, and that the sweep has left."""
    ids = fleet(12, silent_for=70)
    fleet(2)
    assert leases.purge_expired().held == 12
    return ids


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("url", [INDEX, LIST])
def test_the_pages_tell_how_many_since_when_and_until_when(
    staff: Staff, held: list[str], url: str
) -> None:
    page = text_of(staff(VIEW), url)

    begin = AgentEvent.objects.get(kind="purge-held").at
    assert "Purging is held:" in page
    assert "12 of 14 agents fell silent at once" in page
    assert "12 expired agents are not listed" in page
    assert f"Since {begin:%Y-%m-%d %H:%M:%S} UTC" in page
    assert "(in 14 min)" in page


@pytest.mark.parametrize("url", [INDEX, LIST])
def test_without_a_hold_there_is_nothing_to_tell(staff: Staff, url: str) -> None:
    fleet(9, silent_for=70)
    leases.purge_expired()

    assert "Purging is held" not in text_of(staff(VIEW), url)


def test_once_the_agents_are_back_nothing_is_told_even_before_the_next_sweep(
    staff: Staff, held: list[str]
) -> None:
    client = staff(VIEW)
    heartbeats(held)

    assert "Purging is held" not in text_of(client, INDEX)


def test_who_may_not_see_agents_is_not_told(staff: Staff, held: list[str]) -> None:
    assert "Purging is held" not in text_of(staff("view_agentevent"), INDEX)


def test_who_may_not_delete_agents_has_no_button_and_no_page(staff: Staff, held: list[str]) -> None:
    client = staff(VIEW)

    assert "Purge anyway" not in text_of(client, LIST)
    assert client.get(PURGE_ANYWAY).status_code == 403
    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
    assert AgentRecord.objects.count() == 14


def test_who_may_is_asked_first_and_told_the_number(staff: Staff, held: list[str]) -> None:
    client = staff(VIEW, REMOVE)
    assert "Purge anyway" in text_of(client, LIST)

    answer = client.post(PURGE_ANYWAY)

    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Purge 12 expired agents?" in page
    assert 'value="Purge 12 agents"' in page
    assert AgentRecord.objects.count() == 14


def test_confirmed_they_are_purged_and_the_history_tells_by_whom(
    staff: Staff, held: list[str]
) -> None:
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


def test_a_form_from_elsewhere_purges_nothing(held: list[str], admin_user: object) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)  # type: ignore[arg-type]

    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
    assert AgentRecord.objects.count() == 14


def test_the_front_page_judges_the_fleet_only_while_something_is_held(staff: Staff) -> None:
    client = staff(VIEW)
    fleet(3)

    def judges_fleet() -> bool:
        with CaptureQueriesContext(connection) as queries:
            client.get(INDEX)
        return any("AS silence" in query["sql"] for query in queries.captured_queries)

    assert not judges_fleet()
    fleet(12, silent_for=70)
    leases.purge_expired()
    assert judges_fleet()


def test_who_may_not_see_agents_is_not_told_how_many_would_be_purged(
    staff: Staff, held: list[str]
) -> None:
    client = staff(REMOVE)

    assert client.get(PURGE_ANYWAY).status_code == 403
    assert client.post(PURGE_ANYWAY, {"confirmed": "yes"}).status_code == 403
