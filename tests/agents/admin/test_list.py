"""The agent list: columns, pages, the sweep's state, and the refreshing of rows."""

import html as html_module
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.widgets.paging import CappedPaginator
from agents.conditions import condition_of
from agents.models import AgentRecord, LastFacetCount, SweepMark
from agents.states import State, Status
from tests.agents.admin.agent_list import AGENTS, HOSTILE, listed, page
from tests.agents.passing_time import fleet
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

ROWS = f"{AGENTS}rows/"
# On PostgreSQL, one query asks who is writing events.
OPEN_WRITERS = 0 if connection.vendor == "sqlite" else 1
LIVE = {"state", "load", "time_left", "note"}


def rows(client: Client, *ids: str) -> Any:
    response = client.post(ROWS, {"id": list(ids)})
    assert response.status_code == 200
    return response.json()["rows"]


def lease(html: str) -> tuple[str, float, int, str]:
    """Return a lease's level, seconds left, TTL and words."""
    pattern = (
        r'fleet-lease level-(\w+)" data-left="([-\d.]+)" data-ttl="(\d+)" title="[^"]+">([^<]+)<'
    )
    [(level, left, ttl, words)] = re.findall(pattern, html)
    return level, float(left), int(ttl), words


class TestColumns:
    def test_a_row_shows_what_an_operator_needs(self, admin_client: Client) -> None:
        leases.register(
            agent_id="weather-1", agent_name="Weather", host="10.0.0.7", port=8000, tags=["eu"]
        )
        leases.renew(agent_id="weather-1", status="degraded", load=0.25, note="slow upstream")

        html = page(admin_client)

        assert re.search(r'<span class="fleet-dot level-warn" title="[^"]+">degraded<', html)
        assert 'href="/admin/agents/agentrecord/weather-1/change/"' in html
        assert '<span class="fleet-quiet">Weather</span>' in html
        assert re.search(r'href="\?host=10.0.0.7" title="10.0.0.7:8000">10.0.0.7</a>', html)
        assert re.search(r'<progress max="1" value="0.25"[^>]*></progress>25%', html)
        assert '<span title="slow upstream">slow upstream</span>' in html
        assert re.search(r'<a class="agent-chip fleet-tag" href="\?tag=eu"[^>]*>eu</a>', html)
        assert re.search(r"Last heartbeat (now|\d s ago), at 20[^\"]+\">5\d s<", html)

    def test_a_row_has_few_of_many_tags(self, admin_client: Client) -> None:
        AgentFactory.create(tags=[f"tag-{number}" for number in range(64)])

        assert page(admin_client).count('class="agent-chip fleet-tag"') == 12

    def test_an_agent_without_a_note_shows_why_it_is_not_well(self, admin_client: Client) -> None:
        AgentFactory.create(expired=True)

        why = "no heartbeat within its TTL of 1 min"
        assert f'<span title="{why}">{why}</span>' in page(admin_client)

    def test_ids_with_special_characters_link_to_their_pages(self, admin_client: Client) -> None:
        for agent_id in ["add", "a:b_c-d.e", "_3A", "x" * 255, "..."]:
            AgentFactory.create(agent_id=agent_id)

        for agent in admin_client.get(AGENTS).context["cl"].result_list:
            url = admin_client.get(AGENTS).context["cl"].url_for_result(agent)
            assert admin_client.get(url).context["agent"] == agent

    @pytest.mark.parametrize(
        ("silent", "level", "words"),
        [
            (10, "ok", r"1 min 1\d s|1 min 20 s"),
            (70, "warn", r"^1\d s|^20 s"),
            (150, "bad", "1 min"),
        ],
    )
    def test_time_left_has_a_level_and_words(
        self, admin_client: Client, silent: int, level: str, words: str
    ) -> None:
        heartbeat = timezone.now() - timedelta(seconds=silent)
        AgentFactory.create(ttl_seconds=90, last_heartbeat=heartbeat)

        shown, left, ttl, text = lease(page(admin_client))

        assert (shown, ttl) == (level, 90)
        assert 90 - silent - 5 < left <= 90 - silent
        assert re.search(words, text)
        assert ("ended" in text) == (level == "bad")

    @pytest.mark.parametrize(
        ("more", "level", "word", "why"),
        [
            ({}, "ok", "alive", ""),
            ({"expired": True}, "bad", "expired", "no heartbeat for 1 h"),
            ({"status": "degraded", "note": "n"}, "warn", "degraded", "reported by the agent: n"),
            ({"state": "draining"}, "hold", "draining", "set by an operator"),
            ({"state": "quarantined"}, "isolated", "quarantined", "set by an operator"),
        ],
    )
    def test_a_dot_and_a_word_show_the_condition_and_its_reason(
        self, admin_client: Client, more: dict[str, Any], level: str, word: str, why: str
    ) -> None:
        AgentFactory.create(**more)

        pattern = r'"field-state"><span class="fleet-dot level-(\w+)" title="([^"]*)">([^<]+)<'
        [(its_level, reason, its_word)] = re.findall(pattern, page(admin_client))
        assert (its_level, its_word) == (level, word)
        assert why in reason

    def test_the_worst_come_first(self, admin_client: Client) -> None:
        soon = timezone.now() - timedelta(seconds=50)
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("alive", {}),
            ("soon", {"last_heartbeat": soon}),
            ("dead", {"expired": True}),
        ]
        for number, state in enumerate(State.values):
            for status in Status.values:
                for kind, more in kinds:
                    agent_id = f"{number}-{status}-{kind}"
                    AgentFactory.create(agent_id=agent_id, state=state, status=status, **more)

        sorted_ids = listed(admin_client)

        agents = AgentRecord.objects.with_read_at().in_bulk(sorted_ids)
        ranks = [
            condition_of(agents[pk], vars(agents[pk])["read_at"]).level.rank for pk in sorted_ids
        ]
        assert ranks == sorted(ranks, reverse=True)
        assert len(set(ranks)) == 5
        assert listed(admin_client, o="-condition")[-1] in sorted_ids[:18]

    def test_every_column_but_the_skills_can_be_sorted(self, admin_client: Client) -> None:
        AgentFactory.create(
            agent_id="a", host="z", version="2", status="ready", ttl_seconds=500, load=0.1
        )
        earlier = timezone.now() - timedelta(seconds=30)
        AgentFactory.create(
            agent_id="b",
            host="y",
            version="1",
            status="busy",
            load=0.9,
            ttl_seconds=510,  # less is left
            last_heartbeat=earlier,
        )

        for column in ["host", "version", "left", "heartbeat", "report", "load"]:
            assert listed(admin_client, o=column) == ["b", "a"], column
            assert listed(admin_client, o=f"-{column}") == ["a", "b"], column
        assert listed(admin_client, o="id") == ["a", "b"]
        assert listed(admin_client, o="nonsense.-id") == ["b", "a"]

    def test_numbers_of_columns_in_older_links_sort_as_before(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", host="z", version="2", status="ready")
        AgentFactory.create(agent_id="b", host="y", version="1", status="busy")

        for number in (3, 4, 8):
            assert listed(admin_client, o=number) == ["b", "a"], number
            assert listed(admin_client, o=f"-{number}") == ["a", "b"], number
        assert listed(admin_client, o="-2") == ["b", "a"]

    def test_heads_link_to_the_orders(self, admin_client: Client) -> None:
        AgentFactory.create()

        heads = r'<th scope="col" class="column-(\w+)"(?: aria-sort="(\w+)")?><a href="([^"]*)"'
        by_name = {name: rest for name, *rest in re.findall(heads, page(admin_client, o="load"))}

        assert by_name["load"] == ["descending", "?o=-load"]
        assert by_name["state"] == ["", "?"]
        assert by_name["host"] == ["", "?o=host"]
        assert 'aria-sort="descending"><a href="?o=-condition"' in page(admin_client)


class TestPages:
    @pytest.fixture
    def low_page_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(CappedPaginator, "MOST", 250)
        monkeypatch.setattr("agents.admin.agents.listing.changelist.FEW", 100)

    @pytest.mark.usefixtures("low_page_limit")
    def test_agents_beyond_the_last_page_are_not_counted(self, admin_client: Client) -> None:
        fleet(400)

        html = page(admin_client, q="agent")

        assert "more than 250 agents" in html
        assert "of which the first 250 have pages" in html
        assert "?p=3&amp;q=agent" in html
        assert "?p=4" not in html

    @pytest.mark.usefixtures("low_page_limit")
    def test_the_size_of_the_fleet_comes_from_a_shared_count(self, admin_client: Client) -> None:
        fleet(400)

        assert "400 agents" in page(admin_client)

    @pytest.mark.usefixtures("low_page_limit")
    def test_every_linked_page_exists(self, admin_client: Client) -> None:
        fleet(400)

        numbers = {int(number) for number in re.findall(r'href="\?p=(\d+)', page(admin_client))}

        seen = [agent_id for number in [1, 2, 3] for agent_id in listed(admin_client, p=number)]
        assert numbers == {2, 3}
        assert len(seen) == len(set(seen)) == 250
        assert seen == sorted(AgentRecord.objects.values_list("pk", flat=True))[:250]

    @pytest.mark.parametrize("number", ["3", "99", "9" * 30])
    def test_a_page_beyond_the_last_is_the_last(self, admin_client: Client, number: str) -> None:
        fleet(150)

        assert len(listed(admin_client, p=number)) == 50

    def test_show_all_shows_a_small_fleet_on_one_page(self, admin_client: Client) -> None:
        fleet(150)

        assert 'class="showall"' in page(admin_client)
        assert len(listed(admin_client, all="")) == 150

    @pytest.mark.usefixtures("low_page_limit")
    def test_all_matching_agents_are_selected_without_a_count(self, admin_client: Client) -> None:
        fleet(400)

        html = page(admin_client, q="agent")
        assert "Select all matching: more than 250 agents" in html
        data = {"action": "drain", "_selected_action": "x", "select_across": "1", "confirmed": "y"}
        admin_client.post(f"{AGENTS}?q=agent", data)

        assert AgentRecord.objects.filter(state="draining").count() == 400

    @pytest.mark.parametrize(
        ("agents", "query", "queries"),
        [
            # The session, the user, the newest event, the sweep's mark, the views, the last count
            # of all agents, the ids, the agents, the facets.
            (100, {}, 9),
            (300, {"all": ""}, 9),
            (300, {"p": "2"}, 9),
            (300, {"q": "agent", "o": "left", "liveness": "alive"}, 9),  # the gone, too
            # No agent matches.
            (
                300,
                {"q": "a", "tag": "t", "skill": "s", "version": "1", "host": "h", "o": "left"},
                7,
            ),
            (300, {"group": "host"}, 9),
        ],
    )
    def test_the_number_of_queries_is_constant(
        self,
        admin_client: Client,
        django_assert_num_queries: Any,
        agents: int,
        query: dict[str, str],
        queries: int,
    ) -> None:
        fleet(agents)

        with django_assert_num_queries(queries + OPEN_WRITERS):
            page(admin_client, **query)

    def test_no_query_counts_the_whole_fleet(
        self, admin_client: Client, django_assert_num_queries: Any
    ) -> None:
        fleet(300)

        with django_assert_num_queries(9 + OPEN_WRITERS) as queries:
            page(admin_client)

        counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
        assert ['"agent_id" IN (' in sql for sql in counts] == [True]

    def test_facets_of_a_large_fleet_come_from_the_last_count(
        self, admin_client: Client, django_assert_num_queries: Any
    ) -> None:
        fleet(1500)
        page(admin_client)  # counts
        LastFacetCount.objects.update(seconds=0.5)

        # Instead of the facets, agents are counted for the pages.
        with django_assert_num_queries(9 + OPEN_WRITERS) as queries:
            html = page(admin_client)

        assert "Numbers of all agents, counted " in html
        counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
        assert ["LIMIT 10001" in sql for sql in counts] == [True]


class TestEmpty:
    def test_an_empty_list_shows_how_to_register_an_agent(
        self, admin_client: Client, settings: Any
    ) -> None:
        settings.REGISTRY_URL = "https://registry.example"

        html = html_module.unescape(page(admin_client))

        assert "No agents are registered." in html
        assert "curl -X POST https://registry.example/agents/register" in html
        assert 'href="/admin/agents/accesstoken/add/"' in html

        AgentFactory.create()
        assert "agents/register" not in page(admin_client)


class TestSweep:
    def test_an_overdue_sweep_is_shown(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", time.monotonic())
        assert "sweep is overdue" not in page(admin_client)

        # The registry started an hour ago and has not swept since.
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", -3600.0)
        html = page(admin_client)
        assert "sweep is overdue" in html
        assert "There has been no sweep yet." in html

        SweepMark.objects.create(at=timezone.now() - timedelta(hours=1), purged=0)
        assert "The last sweep was at" in page(admin_client)

        leases.purge_expired()
        assert "sweep is overdue" not in page(admin_client)


class TestRows:
    def test_live_cells_are_the_same_as_in_the_list(self, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1)
        leases.renew(agent_id="a", status="busy", load=0.5, note="n")

        cells = rows(admin_client, "a")["a"]

        assert set(cells) == LIVE
        assert ">alive</span>" in cells["state"]
        assert lease(cells["time_left"])[0] == "ok"
        assert "50%" in cells["load"]
        assert ">n</span>" in cells["note"]

    def test_rows_show_the_present_condition(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", expired=True)
        assert ">expired</span>" in rows(admin_client, "a")["a"]["state"]

        leases.renew(agent_id="a", status="degraded")

        cells = rows(admin_client, "a")["a"]
        assert ">degraded</span>" in cells["state"]
        assert lease(cells["time_left"])[0] == "ok"

    def test_a_removed_agent_is_shown_as_gone(self, admin_client: Client) -> None:
        cells = rows(admin_client, "a:1")["a:1"]

        assert set(cells) == {"state"}
        link = '<a href="/admin/agents/agentevent/?agent_id__exact=a%3A1">gone</a>'
        assert link in cells["state"]

    def test_users_without_history_get_no_link_to_it(self, staff: Callable[..., Client]) -> None:
        cells = rows(staff("view_agentrecord"), "gone")["gone"]

        assert "agentevent" not in cells["state"]

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, admin_client: Client, django_assert_num_queries: Any
    ) -> None:
        ids = fleet(100)

        # The session, the user, the agents.
        with django_assert_num_queries(3):
            assert len(rows(admin_client, *ids)) == 100

    def test_no_more_rows_than_a_page_are_returned(self, admin_client: Client) -> None:
        ids = fleet(250)

        assert len(rows(admin_client, *ids)) == 200

    def test_ids_with_nul_are_ignored(self, admin_client: Client) -> None:
        assert rows(admin_client, "a\0b") == {}

    def test_what_agents_send_is_escaped(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", note=HOSTILE, status="degraded")

        cells = "".join(
            [*rows(admin_client, "a")["a"].values(), *rows(admin_client, HOSTILE)[HOSTILE].values()]
        )

        assert "<script>" not in cells

    def test_rows_need_the_permission_to_view_agents(
        self, staff: Callable[..., Client], client: Client
    ) -> None:
        by_script = {"X-Requested-With": "live"}
        answer = client.post(ROWS, {"id": "a"}, headers=by_script)
        assert answer["Location"].startswith("/admin/login/")
        assert staff("view_agentevent").post(ROWS, {"id": "a"}).status_code == 403

    @pytest.mark.parametrize("permission", ["view_agentrecord", "change_agentrecord"])
    def test_users_who_may_see_the_list_may_refresh_its_rows(
        self, staff: Callable[..., Client], permission: str
    ) -> None:
        client = staff(permission)

        assert client.get(AGENTS).status_code == 200
        assert client.post(ROWS, {"id": "a"}).status_code == 200

    def test_rows_need_a_csrf_token(self, admin_client: Client) -> None:
        assert admin_client.get(ROWS).status_code == 405
        guarded = Client(enforce_csrf_checks=True)
        guarded.cookies = admin_client.cookies
        assert guarded.post(ROWS, {"id": "a"}).status_code == 403
