"""The pages that explain an operation and ask for confirmation."""

import re
from typing import Any

import pytest
from django.test import Client

from agents import leases
from agents.models import AgentEvent, AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
ACTIONS = ["drain", "quarantine", "resume", "extend", "purge", "deregister"]
WHY = "a <b>planned</b> update"


def post(client: Client, action: str, *ids: str, url: str = AGENTS, **more: str) -> Any:
    data = {"action": action, "_selected_action": list(ids), "select_across": "0"} | more
    return client.post(url, data)


def ask(client: Client, action: str, *ids: str, **more: str) -> str:
    response = post(client, action, *ids, **more)
    assert response.status_code == 200
    return str(response.content.decode())


def confirm(client: Client, html: str, reason: str, url: str = AGENTS) -> Any:
    """Post the form of a confirmation page as a browser does."""
    form = html.split('<form method="post">')[1].split("</form>", maxsplit=1)[0]
    data: dict[str, list[str]] = {"reason": [reason]}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
        data.setdefault(name, []).append(value)
    return client.post(url, data, follow=True)


def fact(html: str, name: str) -> str:
    [text] = re.findall(rf"<dt>{name}</dt><dd>(.*?)</dd>", html)
    return str(text)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_asks_for_confirmation_first(admin_client: Client, action: str) -> None:
    AgentFactory.create(agent_id="a", expired=True)

    html = ask(admin_client, action, "a")

    assert re.search(rf"<h1>{action.capitalize()} 1 (expired )?agent\?</h1>", html)
    for name in ["Effect", "What the agent sees", "To undo"]:
        assert fact(html, name)
    assert AgentRecord.objects.get().state == "active"
    assert not AgentEvent.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_reason_is_recorded_in_the_history(admin_client: Client, action: str) -> None:
    AgentFactory.create(
        agent_id="a", expired=True, state="draining" if action == "resume" else "active"
    )

    confirm(admin_client, ask(admin_client, action, "a"), WHY)

    event = AgentEvent.objects.filter(actor="admin:admin").get()
    assert event.reason.endswith(WHY)


def test_the_page_lists_the_agents_and_counts_those_alive(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a:1")
    AgentFactory.create(agent_id="b", expired=True)

    html = ask(admin_client, "drain", "a:1", "b")

    assert "1 of 2 is alive" in html
    assert '<li>a:1 <span class="agent-label level-ok">alive</span></li>' in html
    assert '<li>b <span class="agent-label level-bad">expired</span></li>' in html


def test_the_page_lists_the_first_of_many_agents(admin_client: Client) -> None:
    AgentFactory.create_batch(60)

    html = ask(admin_client, "deregister", "agent", select_across="1")

    assert "Deregister 60 agents?" in html
    assert "All agents that match" in html
    assert html.count("<li>agent-") == 50
    assert "and 10 more" in html
    assert html.count('name="_selected_action"') == 1


def test_a_purge_lists_the_expired_and_counts_the_skipped(
    admin_client: Client,
) -> None:
    AgentFactory.create(agent_id="alive-1")
    AgentFactory.create(agent_id="dead", expired=True)

    html = ask(admin_client, "purge", "alive-1", "dead")

    assert "Purge 1 expired agent?" in html
    assert "1 of the selected agents is alive and will be skipped" in html
    assert "<li>dead " in html
    assert "<li>alive-1" not in html


def test_across_pages_the_agents_that_match_at_confirmation_are_affected(
    admin_client: Client,
) -> None:
    AgentFactory.create_batch(120, tags=["eu"])
    AgentFactory.create(agent_id="other", tags=["us"])
    url = f"{AGENTS}?tag=eu"

    html = ask(admin_client, "quarantine", "agent", url=url, select_across="1")
    confirm(admin_client, html, "", url=url)

    assert AgentRecord.objects.filter(state="quarantined").count() == 120
    assert AgentRecord.objects.get(pk="other").state == "active"


def test_without_remaining_agents_there_is_no_confirmation(admin_client: Client) -> None:
    response = admin_client.post(
        AGENTS, {"action": "deregister", "_selected_action": "a"}, follow=True
    )

    assert "0 agents deregistered; 1 was no longer registered." in response.content.decode()


def test_an_expired_agent_is_extended_and_alive_again(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a", expired=True)

    response = confirm(admin_client, ask(admin_client, "extend", "a"), "")

    assert "1 agent extended." in response.content.decode()
    assert AgentRecord.objects.alive().exists()


@pytest.mark.parametrize(
    ("action", "longest"), [("drain", 256), ("extend", 220), ("deregister", 256)]
)
def test_a_reason_that_is_too_long_is_refused(
    admin_client: Client, action: str, longest: int
) -> None:
    AgentFactory.create(agent_id="a")

    html = ask(admin_client, action, "a", confirmed="yes", reason="r" * (longest + 1))

    assert f"at most {longest} characters" in html
    assert not AgentEvent.objects.exists()

    post(admin_client, action, "a", confirmed="yes", reason="r" * longest)
    assert "r" * longest in AgentEvent.objects.get().reason


def test_a_reason_with_nul_is_refused(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")

    html = ask(admin_client, "drain", "a", confirmed="yes", reason="a\0b")

    assert "Null characters are not allowed." in html
    assert not AgentEvent.objects.exists()


def test_ids_with_nul_match_no_agent(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")

    response = post(admin_client, "drain", "a\0b", from_agent="a\0b")

    assert response.status_code == 302
    assert AgentRecord.objects.get().state == "active"


def test_an_action_from_an_agents_page_returns_to_it(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a:1")

    html = ask(admin_client, "drain", "a:1", from_agent="a:1")
    assert f'<a href="{AGENTS}a_3A1/change/" class="button cancel-link">' in html
    response = confirm(admin_client, html, "")

    assert response.redirect_chain == [(f"{AGENTS}a_3A1/change/", 302)]


def test_ids_and_reasons_are_escaped(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    AgentRecord.objects.update(agent_id="<script>")

    html = ask(admin_client, "drain", "<script>", confirmed="yes", reason="<script>" * 40)

    assert "<script>" not in html.split("<main")[1]


def test_agents_removed_before_confirmation_are_counted(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    AgentFactory.create(agent_id="b")
    html = ask(admin_client, "extend", "a", "b")
    leases.deregister(agent_id="a")

    response = confirm(admin_client, html, "")

    assert "1 agent extended; 1 was no longer registered." in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_selection(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    AgentFactory.create_batch(100)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))

    # The session, the user, the sweep's mark; the list's size, ids and page; the count, the names.
    with django_assert_num_queries(8):
        ask(admin_client, "drain", *ids)
