"""Agents that are gone are listed, found by a search, and remembered by their page."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.agents import gone
from agents.models import AgentEvent
from tests.agents.passing_time import fleet, time_passes

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
GONE = f"{AGENTS}gone/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
Staff = Callable[..., Client]


def page(client: Client, url: str = GONE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def listed(html: str) -> dict[str, str]:
    """Return how each listed agent ended."""
    return dict(
        re.findall(
            r'<th scope="row"><a [^>]*>([^<]*)</a>.*?<span class="agent-label[^>]*>(\w+)<', html
        )
    )


def register(agent_id: str, **more: Any) -> None:
    leases.register(**{"agent_id": agent_id, "host": "node-4", "port": 8000, **more})


def die(*agents: str) -> None:
    time_passes(100)
    for agent_id in agents:
        assert leases.purge_one(agent_id=agent_id, actor="sweep", reason="no heartbeat for 60 s")


@pytest.fixture
def five() -> None:
    for agent_id in ("stopped", "removed", "back"):
        register(agent_id)
    leases.deregister(agent_id="stopped", reason="SIGTERM")
    leases.deregister(agent_id="removed", actor="admin:grace", reason="a test")
    leases.deregister(agent_id="back")
    register("old", version="1.2")
    die("old")
    time_passes(25 * 3600)
    register("new", version="2.0", agent_name="Forecasts", host="node-9")
    die("new")
    register("back")


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "agents"),
    [
        ("", {"new": "died", "old": "died", "removed": "removed", "stopped": "stopped"}),
        ("how=died", {"new": "died", "old": "died"}),
        ("how=stopped", {"removed": "removed", "stopped": "stopped"}),
        ("within=day", {"new": "died"}),
        ("within=hour&how=stopped", {}),
        ("q=FORECAST", {"new": "died"}),
        ("q=node-4&how=died", {"old": "died"}),
        ("q=back", {}),
        ("how=nothing&within=%00&p=x", {"new": "died", "old": "died", "removed": "removed"}),
        ("q=%00", {}),
    ],
)
def test_the_list_is_filtered_and_searched(
    admin_client: Client, query: str, agents: dict[str, str]
) -> None:
    found = listed(page(admin_client, f"{GONE}?{query}"))

    assert found.items() >= agents.items()
    assert set(found) - set(agents) <= ({"stopped"} if "nothing" in query else set())


@pytest.mark.usefixtures("five")
def test_a_row_tells_where_it_was_what_and_why(admin_client: Client) -> None:
    html = page(admin_client, f"{GONE}?q=new")

    for text in ("Forecasts", "node-9:8000", "2.0", "No heartbeat for 60 s", "by sweep"):
        assert text in html
    assert f'href="{AGENTS}new/change/"' in html


def test_the_list_has_pages(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone, "PER_PAGE", 2)
    for number in range(5):
        register(f"a-{number}")
        leases.deregister(agent_id=f"a-{number}")

    pages = [page(admin_client, f"{GONE}?p={number}") for number in (1, 2, 3)]

    assert [list(listed(html)) for html in pages] == [["a-4", "a-3"], ["a-2", "a-1"], ["a-0"]]
    assert [("Newer" in html, "Older" in html) for html in pages] == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_the_overviews_tile_counts_those_that_died_and_the_expired(admin_client: Client) -> None:
    register("died")
    die("died")
    fleet(2, silent_for=70)

    html = page(admin_client, "/admin/")

    [(url, count)] = re.findall(
        r'<a href="([^"]*)"[^>]*> <span class="tile-name">Gone in the last 24 h</span>'
        r' <span class="tile-count">(\d+)',
        html,
    )
    assert count == "3"
    shown = page(admin_client, url)
    assert listed(shown) == {"died": "died"}
    assert "2 more agents have expired and still have records" in shown


def test_a_search_of_the_list_of_agents_finds_the_gone(admin_client: Client, staff: Staff) -> None:
    register("weather-1")
    die("weather-1")
    register("weather-2")

    html = page(admin_client, f"{AGENTS}?q=weather")
    assert "Gone, with the same text" in html
    assert f'<a href="{AGENTS}weather-1/change/">' in html
    assert f'href="{GONE}?q=weather"' in html
    assert "Gone, with" not in page(admin_client, f"{AGENTS}?q=billing")
    assert "Gone, with" not in page(admin_client, AGENTS)
    assert "Gone, with" not in page(staff("view_agentrecord"), f"{AGENTS}?q=weather")


@pytest.mark.parametrize("permission", ["view_agentrecord", "view_agentevent"])
def test_the_list_needs_agents_and_the_history(staff: Staff, permission: str) -> None:
    assert staff(permission).get(GONE).status_code == 403


def test_text_from_agents_is_escaped(admin_client: Client) -> None:
    register("a", agent_name=HOSTILE, version="<b>")
    leases.deregister(agent_id="a", reason=HOSTILE)

    for url in (GONE, f"{AGENTS}?q=a"):
        html = admin_client.get(url).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


class TestPage:
    def test_it_says_where_it_was_which_version_and_what_it_reported(
        self, admin_client: Client
    ) -> None:
        register("a", version="1.2.3", tags=["gpu"], skills=["ocr"], address="192.0.2.9")
        leases.renew(agent_id="a", status="degraded", load=0.25, note="the disk is full")
        die("a")

        html = re.sub("<[^>]*>", "", page(admin_client, f"{AGENTS}a/change/"))

        for text in ("node-4:8000", "192.0.2.9", "1.2.3", "gpu", "ocr", "degraded, load 0.25"):
            assert text in html
        assert "the disk is full" in html

    def test_it_names_those_that_died_on_the_same_host_at_the_same_time(
        self, admin_client: Client
    ) -> None:
        register("earlier")
        die("earlier")
        event = AgentEvent.objects.get(kind="purged")
        last = (timezone.now() - timedelta(minutes=12)).isoformat()
        event.record = {**(event.record or {}), "last_heartbeat": last}
        event.save()
        for agent_id in ("a", "beside", "returned", "stopped"):
            register(agent_id)
        register("elsewhere", host="node-5")
        leases.deregister(agent_id="stopped")
        time_passes(100)
        for agent_id in ("a", "beside", "returned", "elsewhere"):
            leases.purge_one(agent_id=agent_id, actor="sweep", reason="no heartbeat for 60 s")
        register("returned")

        html = page(admin_client, f"{AGENTS}a/change/")

        together = html.partition("Died on the same host at the same time")[2].partition("</ul>")[0]
        assert re.findall(r">([a-z-]+)</a> <span [^>]*>(\w+)<", together) == [
            ("beside", "gone"),
            ("returned", "back"),
        ]

    def test_behind_one_address_agents_count_as_on_the_same_host(
        self, admin_client: Client
    ) -> None:
        register("a", host="pod-1", address="192.0.2.9")
        register("b", host="pod-2", address="192.0.2.9")
        time_passes(100)
        for agent_id in ("a", "b"):
            leases.purge_one(agent_id=agent_id, actor="sweep", reason="no heartbeat for 60 s")

        assert f'href="{AGENTS}b/change/"' in page(admin_client, f"{AGENTS}a/change/")

    def test_an_agent_that_stopped_has_no_such_list(self, admin_client: Client) -> None:
        register("a")
        register("b")
        leases.deregister(agent_id="a")
        die("b")

        html = page(admin_client, f"{AGENTS}a/change/")

        assert "Last record" in html
        assert "Died on the same host" not in html
