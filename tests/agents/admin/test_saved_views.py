"""Saved views of the agent list."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agents.models import SavedView
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
SAVE = f"{AGENTS}views/save/"


def save(client: Client, name: str, query: str = "tag=eu") -> Any:
    return client.post(SAVE, {"name": name, "query": query}, follow=True)


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def shown(client: Client) -> dict[str, str]:
    """Return the queries of the views above the list, by name."""
    html = client.get(AGENTS).content.decode()
    return {
        name: query.replace("&amp;", "&")
        for query, name in re.findall(r'<li><a [^>]*href="\?([^"]*)"[^>]*>([^<]+)</a></li>', html)
    }


def delete_url(name: str) -> str:
    return f"{AGENTS}views/{SavedView.objects.get(name=name).pk}/delete/"


def test_some_views_are_built_in(admin_client: Client) -> None:
    assert list(shown(admin_client))[:7] == [
        "All",
        "Alive",
        "Expiring soon",
        "Expired",
        "Draining",
        "Quarantined",
        "Degraded",
    ]


def test_built_in_views_filter_the_list(admin_client: Client) -> None:
    AgentFactory.create(agent_id="draining", state="draining")
    AgentFactory.create(agent_id="degraded", status="degraded")
    AgentFactory.create(agent_id="expired", expired=True)

    found = {
        name: [
            agent.pk for agent in admin_client.get(f"{AGENTS}?{query}").context["cl"].result_list
        ]
        for name, query in shown(admin_client).items()
        if name not in {"All", "Expiring soon", "Quarantined"}
        if query.startswith(("liveness", "state", "status"))
    }

    assert {name: ids for name, ids in found.items() if name.lower() in ids} == {
        "Draining": ["draining"],
        "Degraded": ["degraded"],
        "Expired": ["expired"],
    }


def test_a_view_is_saved_for_all_staff_with_its_author(
    staff: Callable[..., Client], admin_client: Client
) -> None:
    save(staff("view_agentrecord", "change_agentrecord"), "  In   the EU ", "?tag=eu&tag=gpu&q=%26")

    view = SavedView.objects.get()
    assert (view.name, view.created_by) == ("In the EU", "admin:grace")
    assert shown(admin_client)["In the EU"] == "q=%26&tag=eu&tag=gpu" == view.query


def test_saving_redirects_to_the_view(admin_client: Client) -> None:
    response = save(admin_client, "mine", "tag=eu&o=-1")

    assert response.redirect_chain == [(f"{AGENTS}?o=-1&tag=eu", 302)]
    assert messages(response) == ["Saved as “mine”."]
    assert 'aria-current="page">mine</a>' in response.content.decode()


def test_the_page_number_is_not_saved(admin_client: Client) -> None:
    save(admin_client, "mine", "tag=eu&p=7&all=&_facets=True&e=1")

    assert SavedView.objects.get().query == "tag=eu"


@pytest.mark.parametrize(
    ("query", "unknown"),
    [
        ("next=//evil.example", "next"),
        ("//evil.example/?tag=eu", "//evil.example/?tag"),
        ("https://evil.example/?tag=eu", "https://evil.example/?tag"),
        ("tag=eu&state__regex=x&zzz=1", "state__regex, zzz"),
        ("../../auth/user/?q=x", "../../auth/user/?q"),
        ("javascript:alert(1)=1", "javascript:alert(1)"),
    ],
)
def test_unknown_parameters_are_refused_by_name(
    admin_client: Client, query: str, unknown: str
) -> None:
    response = save(admin_client, "mine", query)

    assert messages(response) == [f"Unknown parameters: {unknown}."]
    assert response.redirect_chain == [(AGENTS, 302)]
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("", "tag=eu"),
        ("x" * 61, "tag=eu"),
        ("a\0b", "tag=eu"),
        ("\u202eevil", "tag=eu"),
        ("expired", "tag=eu"),
        ("mine", "tag=" + "x" * 2000),
        ("mine", "tag=a%00b"),
        ("mine", "&".join(["tag=x"] * 101)),
    ],
)
def test_invalid_names_and_queries_are_refused(admin_client: Client, name: str, query: str) -> None:
    response = save(admin_client, name, query)

    assert len(messages(response)) == 1
    assert not SavedView.objects.exists()


def test_names_are_unique(admin_client: Client) -> None:
    save(admin_client, "mine", "tag=eu")

    response = save(admin_client, "mine", "tag=us")

    assert "A view “mine” exists" in messages(response)[0]
    assert SavedView.objects.get().query == "tag=eu"


def test_a_view_is_deleted(admin_client: Client) -> None:
    save(admin_client, "mine")
    url = delete_url("mine")
    assert url in admin_client.get(AGENTS).content.decode()

    response = admin_client.post(url, follow=True)

    assert messages(response) == ["View “mine” deleted."]
    assert "mine" not in shown(admin_client)
    assert messages(admin_client.post(url, follow=True)) == ["That view has already been deleted."]


def test_users_who_may_not_change_agents_cannot_save_or_delete(
    staff: Callable[..., Client], admin_client: Client
) -> None:
    save(admin_client, "mine")
    url = delete_url("mine")
    client = staff("view_agentrecord")

    assert "mine" in shown(client)
    assert "Save this view" not in client.get(AGENTS).content.decode()
    assert client.post(SAVE, {"name": "x", "query": ""}).status_code == 403
    assert client.post(url).status_code == 403
    assert SavedView.objects.count() == 1


def test_views_are_saved_and_deleted_by_post_only(admin_client: Client) -> None:
    save(admin_client, "mine")

    assert admin_client.get(SAVE, {"name": "x"}).status_code == 405
    assert admin_client.get(delete_url("mine")).status_code == 405


def test_names_of_views_are_escaped(admin_client: Client) -> None:
    save(admin_client, "<script>alert(1)</script>", "q=<script>")

    html = admin_client.get(AGENTS).content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
