"""Facets of the agent list: values, counts, links, and groups."""

import html as html_module
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client

from agents.leases.fleet.facet_counts import last_facet_counts
from agents.models import AgentRecord, LastFacetCount
from agents.tokens import access
from tests.agents.admin.agent_list import AGENTS, HOSTILE, listed, page
from tests.agents.passing_time import fleet, time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def facet(client: Client, name: str, **query: Any) -> dict[str, tuple[str, set[Any]]]:
    """Return the number and the parameters of each value's link."""
    html = html_module.unescape(page(client, **query))
    section = re.search(
        rf'<section class="facet" data-facet="{name}".*?</section>', html, re.DOTALL
    )
    return values(section.group()) if section else {}


def values(html: str) -> dict[str, tuple[str, set[Any]]]:
    pattern = (
        r'<a href="\?([^"]*)"[^>]*><span class="facet-text[^>]*>([^<]*)</span>'
        r' <span class="facet-agents">(\d+)</span>'
    )
    return {
        text: (number, set(parse_qsl(query))) for query, text, number in re.findall(pattern, html)
    }


def test_facets_list_values_with_counts_and_links(admin_client: Client) -> None:
    AgentFactory.create(host="a", version="1", tags=["eu", "gpu"], skills=["see"])
    AgentFactory.create(host="a", version="2", tags=["eu"], status="degraded")
    AgentFactory.create(host="b", state="draining")

    assert facet(admin_client, "host") == {
        "a": ("2", {("host", "a")}),
        "b": ("1", {("host", "b")}),
    }
    assert facet(admin_client, "tag") == {
        "eu": ("2", {("tag", "eu")}),
        "gpu": ("1", {("tag", "gpu")}),
    }
    assert facet(admin_client, "skill") == {"see": ("1", {("skill", "see")})}
    assert facet(admin_client, "condition") == {
        "alive": ("1", {("condition", "alive")}),
        "degraded": ("1", {("condition", "degraded")}),
        "draining": ("1", {("condition", "draining")}),
    }
    assert facet(admin_client, "state")["draining"] == ("1", {("state__exact", "draining")})
    assert facet(admin_client, "status")["degraded"] == ("1", {("status__exact", "degraded")})


def test_facets_count_the_matching_agents_and_clear_their_filter(admin_client: Client) -> None:
    AgentFactory.create(host="a", version="1", tags=["eu"])
    AgentFactory.create(host="a", version="2", tags=["us"])
    AgentFactory.create(host="b", version="1", tags=["eu"])

    query = {"host": "a", "tag": "eu", "o": "load"}
    assert facet(admin_client, "version", **query) == {
        "1": ("1", {("host", "a"), ("tag", "eu"), ("o", "load"), ("version", "1")})
    }
    assert facet(admin_client, "host", **query) == {"a": ("1", {("tag", "eu"), ("o", "load")})}
    assert facet(admin_client, "tag", host="b") == {"eu": ("1", {("host", "b"), ("tag", "eu")})}
    assert "Numbers of the matching agents." in page(admin_client, **query)


def test_each_link_leads_to_as_many_agents_as_it_says(admin_client: Client) -> None:
    for number in range(12):
        AgentFactory.create(
            host=f"h{number % 3}",
            version=f"{number % 2}",
            tags=[f"t{number % 4}", "all"],
            skills=[f"s{number % 5}"],
            status=["ready", "degraded"][number % 2],
            state=["active", "quarantined"][number % 3 == 0],
            expired=number % 4 == 0,
        )

    for name in ("condition", "host", "version", "tag", "skill", "state", "status"):
        for text, (agents, query) in facet(admin_client, name).items():
            assert len(listed(admin_client, **dict(query))) == int(agents), (name, text)


def test_only_some_values_are_in_the_page_and_others_are_found(admin_client: Client) -> None:
    for number in range(70):
        AgentFactory.create(host=f"node-{number:02}")

    html = page(admin_client)
    assert len(facet(admin_client, "host")) == 60
    assert "The 60 most frequent of 70. Type to find others." in html
    assert "54 more" in html

    response = admin_client.get(f"{AGENTS}facets/host/", {"contains": "E-6", "o": "id"})
    found = values(html_module.unescape(response.content.decode()))
    assert sorted(found) == [f"node-{number}" for number in range(60, 70)]
    assert found["node-63"] == ("1", {("host", "node-63"), ("o", "id")})
    assert admin_client.get(f"{AGENTS}facets/nonsense/").status_code == 404
    assert admin_client.get(f"{AGENTS}facets/host/", {"nonsense": "x"}).status_code == 404


def test_values_are_escaped(admin_client: Client) -> None:
    AgentFactory.create(
        host=HOSTILE,
        version=HOSTILE[:64],
        tags=[HOSTILE],
        skills=[HOSTILE],
        enrolled_by=HOSTILE[:12],
    )

    for query in ({}, {"group": "host"}, {"group": "tag"}, {"group": "version"}):
        assert "<script>alert" not in page(admin_client, **query)
    response = admin_client.get(f"{AGENTS}facets/tag/", {"contains": "script"})
    assert values(response.content.decode())
    assert "<script>" not in response.content.decode()


def test_tokens_are_a_facet_for_those_who_may_see_them(
    admin_client: Client, staff: Callable[..., Client]
) -> None:
    token, _ = access.issue(name="weather team", actor="x", may_register=True, may_read=False)
    AgentFactory.create(enrolled_by=token.key)
    AgentFactory.create()

    [(text, found)] = facet(admin_client, "token").items()
    assert text.startswith("weather team")
    assert found == ("1", {("enrolled_by__exact", token.key)})
    viewer = staff("view_agentrecord")
    assert facet(viewer, "token") == {}
    assert viewer.get(f"{AGENTS}facets/token/").status_code == 404


def test_facet_values_need_the_permission_to_view_agents(staff: Callable[..., Client]) -> None:
    assert staff("view_agentevent").get(f"{AGENTS}facets/host/").status_code == 403


def test_a_late_count_of_all_agents_follows_the_page(admin_client: Client) -> None:
    fleet(1001)
    page(admin_client)
    LastFacetCount.objects.update(seconds=0.5)
    AgentRecord.objects.update(host="moved")
    time_passes(55)

    html = page(admin_client)

    assert "Numbers of all agents, counted 5" in html
    assert "agents.example" in facet_section(html)
    last = last_facet_counts()
    assert last is not None
    assert [value.value for value in last.facets["host"].values] == ["moved"]


def facet_section(html: str) -> str:
    found = re.search(r'data-facet="host".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


class TestGroups:
    def test_agents_are_grouped_with_counts_by_how_they_are(self, admin_client: Client) -> None:
        AgentFactory.create_batch(2, version="1")
        AgentFactory.create(version="1", expired=True)
        AgentFactory.create(version="2", status="degraded")
        AgentFactory.create(tags=["eu"])

        html = html_module.unescape(page(admin_client, group="version", o="load"))

        rows = re.findall(r"<tr>\s*<td>.*?</tr>", html, re.DOTALL)
        shown = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
        assert shown == ["1 3 1 expired or unreachable 2 alive", "2 1 1 with warnings"]
        assert '<a href="?o=load&version=1">1</a>' in rows[0]
        assert "result_list" not in html

    def test_groups_are_of_the_matching_agents(self, admin_client: Client) -> None:
        AgentFactory.create(version="1", tags=["eu", "gpu"])
        AgentFactory.create(version="2", tags=["us"])

        html = page(admin_client, group="tag", version="1")

        assert re.findall(r"<td><a [^>]+>([^<]+)</a></td>", html) == ["eu", "gpu"]
        assert "version=1&amp;tag=gpu" in html

    def test_many_matching_agents_are_counted_for_their_groups(self, admin_client: Client) -> None:
        fleet(1001)
        AgentFactory.create(host="other", agent_id="x")

        html = page(admin_client, group="host", q="agent")

        assert re.findall(r'<td class="fleet-number">(\d+)</td>', html) == ["1001"]

    def test_groups_can_be_left_and_saved(self, admin_client: Client) -> None:
        AgentFactory.create(version="1")

        html = page(admin_client, group="version")

        assert re.search(r'<a href="\?" aria-current="true"[^>]*>version</a>', html)
        admin_client.post(f"{AGENTS}views/save/", {"name": "Versions", "query": "group=version"})
        assert 'href="?group=version"' in page(admin_client)

    def test_an_unknown_group_is_ignored(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert listed(admin_client, group="nonsense") == ["a"]
        assert listed(admin_client, group="a\0b") == ["a"]
