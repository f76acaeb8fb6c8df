from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from agents import leases
from agents.models import AgentEvent
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def lived_and_died(agent_id: str) -> None:
    leases.register(agent_id=agent_id, host="h", port=80)
    leases.set_state(agent_id=agent_id, state="draining", actor="admin:grace", reason="moves")
    leases.deregister(agent_id=agent_id, reason="stopped")


def kinds(api: APIClient, url: str) -> list[str]:
    return [event["kind"] for event in api.get(url).json()]


def test_an_agent_that_is_gone_has_a_history_with_its_last_record(api: APIClient) -> None:
    lived_and_died("weather-1")
    lived_and_died("weather-2")

    newest, drained, registered = api.get("/agents/weather-1/events").json()
    assert (newest["kind"], drained["kind"]) == ("deregistered", "drained")
    assert newest["record"]["host"] == "h"
    assert (drained["actor"], drained["reason"]) == ("admin:grace", "moves")
    assert registered["record"] is None
    assert registered["generation"] == drained["generation"]


def test_nothing_is_known_of_an_unknown_agent(api: APIClient) -> None:
    assert api.get("/agents/nobody/events/").json() == []


def test_kinds_are_chosen_and_unknown_ones_refused(api: APIClient) -> None:
    lived_and_died("a")
    assert kinds(api, "/events?kind=drained&kind=registered") == ["drained", "registered"]
    assert api.get("/events?kind=vanished").status_code == 422
    assert "kinds" in api.get("/events?kinds=drained").json()["errors"]


def test_pages_have_each_event_once_while_others_are_written(api: APIClient) -> None:
    for number in range(5):
        lived_and_died(f"a-{number}")
    before = list(AgentEvent.objects.order_by("-pk").values_list("agent_id", "kind"))
    seen: list[tuple[str, str]] = []
    url = "/events?limit=4"
    while url:
        answer = api.get(url)
        seen += [(event["agent_id"], event["kind"]) for event in answer.json()]
        lived_and_died("later")
        link: str = answer.headers.get("Link", "")
        url = link.partition(">")[0].lstrip("<")
    assert seen == before


def test_a_watch_goes_on_from_an_event(api: APIClient) -> None:
    lived_and_died("a")
    cursor = api.get("/events").json()[0]["cursor"]
    assert api.get(f"/agents/watch?since={cursor}&wait=0").status_code == 200


@pytest.mark.parametrize("cursor", ["x", "LTE", "MTIz" * 2_000])
def test_a_bad_cursor_is_refused(api: APIClient, cursor: str) -> None:
    answer = api.get("/events", {"cursor": cursor})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["cursor"]


def test_staff_need_the_permission_to_see_events(api: APIClient, settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"
    AgentFactory.create(agent_id="a")
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_agentrecord"))
    api.force_login(user)
    assert api.get("/agents/a").status_code == 200
    assert api.get("/agents/a/events").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_agentevent"))
    api.force_login(User.objects.get(pk=user.pk))
    assert api.get("/agents/a/events").status_code == 200


def test_without_a_token_nobody_reads_it(api: APIClient, settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"
    assert api.get("/events").status_code == 401


def test_a_browser_shows_the_history_as_a_page(api: APIClient) -> None:
    leases.register(agent_id="a", host="h", port=1)
    answer = api.get("/events", HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    assert "registered" in answer.content.decode()
