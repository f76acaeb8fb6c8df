"""The card that comes with a registration."""

import json
from typing import Any

import pytest
from django.test import Client

from agents import leases
from agents.models import AgentCard, AgentRecord
from agents.serializers.fields import MAX_CARD_BYTES
from agents.tasks import delete_old_history
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

CARD = {"name": "Weather", "skills": [{"id": "forecast", "tags": ["a"]}], "description": "\u20ac"}
PLAIN = {"Accept": "application/json"}


def register(client: Client, **more: Any) -> Any:
    body = {"agent_id": "weather", "host": "a.example", "port": 80, **more}
    return client.post("/agents/register", json.dumps(body), content_type="application/json")


def shown(client: Client, agent_id: str = "weather") -> Any:
    return client.get(f"/agents/{agent_id}", headers=PLAIN).json()["agent_card"]


def test_an_agent_shows_the_card_it_registered_with(client: Client) -> None:
    assert register(client, agent_card=CARD).status_code == 201
    assert shown(client) == CARD
    [listed] = client.get("/agents", headers=PLAIN).json()
    assert "agent_card" not in listed


def test_the_browsable_page_shows_it_too(client: Client) -> None:
    register(client, agent_card=CARD)
    page = client.get("/agents/weather", headers={"Accept": "text/html"})
    assert "forecast" in page.content.decode()


def test_an_agent_without_a_card_shows_null(client: Client) -> None:
    register(client)
    assert shown(client) is None


@pytest.mark.parametrize("card", [None, "absent"])
def test_registering_again_without_a_card_forgets_it(client: Client, card: Any) -> None:
    register(client, agent_card=CARD)
    register(client, **({} if card == "absent" else {"agent_card": card}))
    assert shown(client) is None


def test_registering_again_replaces_the_card_and_the_etag(client: Client) -> None:
    register(client, agent_card=CARD)
    first = client.get("/agents/weather", headers=PLAIN)
    tag = {"If-None-Match": first["ETag"], **PLAIN}
    assert client.get("/agents/weather", headers=tag).status_code == 304
    register(client, agent_card={"name": "Other"})
    again = client.get("/agents/weather", headers=tag)
    assert (again.status_code, again.json()["agent_card"]) == (200, {"name": "Other"})


def test_a_heartbeat_keeps_the_card(client: Client) -> None:
    register(client, agent_card=CARD)
    with_token = leases.renew(agent_id="weather", generation=None, address=None)
    assert with_token is not None
    assert shown(client) == CARD


def of_size(size: int) -> dict[str, str]:
    empty = len(json.dumps({"name": ""}, separators=(",", ":")))
    return {"name": "x" * (size - empty)}


def test_a_card_may_have_16_kib_but_no_more(client: Client) -> None:
    assert register(client, agent_card=of_size(MAX_CARD_BYTES)).status_code == 201
    refused = register(client, agent_card=of_size(MAX_CARD_BYTES + 1))
    assert refused.status_code == 422
    [error] = refused.json()["errors"]["agent_card"]
    assert "16,384" in str(error)


@pytest.mark.parametrize("card", [[], "text", 5, {"a": "\0"}])
def test_what_is_no_object_that_can_be_kept_is_refused_by_name(client: Client, card: Any) -> None:
    refused = register(client, agent_card=card)
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["agent_card"]


def test_deregistering_deletes_the_card(client: Client) -> None:
    register(client, agent_card=CARD)
    leases.deregister(agent_id="weather")
    assert not AgentCard.objects.exists()


def test_the_card_of_a_purged_agent_does_not_come_back_with_another_of_its_id(
    client: Client,
) -> None:
    register(client, agent_card=CARD)
    AgentRecord.objects.filter(agent_id="weather").delete()
    register(client)
    assert shown(client) is None


def test_cards_that_belong_to_no_registration_are_deleted_with_old_history(client: Client) -> None:
    register(client, agent_card=CARD)
    AgentFactory.create(agent_id="again", generation=7)
    for agent_id, generation in (("again", 6), ("purged", 5)):
        AgentCard.objects.create(agent_id=agent_id, generation=generation, card=CARD)
    delete_old_history()
    assert list(AgentCard.objects.values_list("agent_id", flat=True)) == ["weather"]


def test_cards_are_deleted_in_batches(client: Client) -> None:
    for number in range(5):
        AgentCard.objects.create(agent_id=f"gone-{number}", generation=number, card={})
    assert leases.delete_leftovers(batch_size=2) == 5
