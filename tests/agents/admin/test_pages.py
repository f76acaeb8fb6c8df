"""All pages of the admin: bad input, permissions, inline scripts; and the agent list."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.models import AgentEvent, SweepMark
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

MODELS = [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]
AGENTS = "/admin/agents/agentrecord/"
EVENTS = "/admin/agents/agentevent/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def page(client: Client, url: str = AGENTS, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode()


def listed(client: Client, **query: Any) -> list[str]:
    """Return the ids of the agents on the list, in its order."""
    response = client.get(AGENTS, query)
    assert response.status_code == 200
    return [agent.pk for agent in response.context["cl"].result_list]


class TestBadInput:
    @pytest.mark.parametrize("url", [f"{AGENTS}a%00b/change/", f"{AGENTS}a%00b/delete/"])
    def test_ids_with_nul_are_no_server_error(self, admin_client: Client, url: str) -> None:
        admin_client.raise_request_exception = False
        # SQLite can look for such an id, and the admin redirects to its history.
        assert admin_client.get(url).status_code in {302, 400, 403}

    @pytest.mark.parametrize(
        ("url", "lookup", "value"),
        [
            (AGENTS, "state__regex", "["),
            (AGENTS, "tags__in", "a\0b"),
            (AGENTS, "pk__gte", "\0"),
            (EVENTS, "address__exact", "no address"),
            (EVENTS, "generation__regex", "["),
        ],
    )
    def test_lookups_that_no_filter_uses_are_refused(
        self, admin_client: Client, url: str, lookup: str, value: str
    ) -> None:
        assert admin_client.get(url, {lookup: value}).status_code == 400

    @pytest.mark.parametrize(
        ("model", "lookup", "value"),
        [
            ("auth/user", "id__in", "9" * 40),
            ("auth/user", "username__regex", "["),
            ("auth/group", "name__contains", "a\0b"),
            ("axes/accessattempt", "ip_address", "no address"),
            ("axes/accesslog", "ip_address__gte", "no address"),
            ("axes/accessfailurelog", "id__in", "9" * 40),
        ],
    )
    def test_lookups_that_no_filter_uses_are_refused_for_the_other_models_too(
        self, admin_client: Client, model: str, lookup: str, value: str
    ) -> None:
        assert admin_client.get(f"/admin/{model}/", {lookup: value}).status_code == 400

    @pytest.mark.parametrize(
        "model", ["agents/accesstoken", "agents/agentrecord", "auth/user", "axes/accesslog"]
    )
    @pytest.mark.parametrize("words", [128, 2000])
    def test_a_search_for_very_many_words_is_no_error(
        self, admin_client: Client, model: str, words: int
    ) -> None:
        search = {"q": " ".join("a" * words)}

        assert admin_client.get(f"/admin/{model}/", search).status_code == 200

    @pytest.mark.parametrize(
        ("model", "filters"),
        [
            ("auth/user", {"is_staff__exact": "1", "groups__id__exact": "1"}),
            ("auth/user", {"groups__isnull": "True"}),
            ("axes/accesslog", {"path_info": "/admin/login/", "attempt_time__isnull": "True"}),
            ("axes/accessattempt", {"attempt_time__gte": "2026-01-01 00:00:00+00:00"}),
            ("axes/accessfailurelog", {"locked_out__exact": "1"}),
        ],
    )
    def test_the_filters_of_the_other_models_still_work(
        self, admin_client: Client, model: str, filters: dict[str, str]
    ) -> None:
        assert admin_client.get(f"/admin/{model}/", filters).status_code == 200

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("ticked", ["true", "", "a\0b", "9" * 40, "-1", "agent-1"])
    def test_ticked_rows_that_cannot_exist_are_ignored(
        self, admin_client: Client, model: str, ticked: str
    ) -> None:
        action = "deregister" if model == "agents/agentrecord" else "delete_selected"
        posted = {"action": action, "_selected_action": ticked}

        assert admin_client.post(f"/admin/{model}/", posted).status_code in {200, 302}

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("page", ["change", "delete"])
    @pytest.mark.parametrize("field", ["", "logentry", "password", "no_field", "__class__", "\0"])
    def test_a_row_cannot_be_looked_up_by_an_unknown_field(
        self, admin_client: Client, model: str, page: str, field: str
    ) -> None:
        answer = admin_client.get(f"/admin/{model}/1/{page}/", {"_to_field": field})

        assert answer.status_code in {200, 302, 400, 403}

    def test_expired_failed_logins_are_cleaned_up(self, admin_client: Client) -> None:
        attempt = AccessAttempt.objects.create(username="grace", failures_since_start=1)
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=1))
        posted = {"action": "cleanup_expired_attempts", "_selected_action": attempt.pk}

        assert admin_client.post("/admin/axes/accessattempt/", posted).status_code == 302

        assert not AccessAttempt.objects.exists()

    def test_unknown_parameters_are_ignored(self, admin_client: Client) -> None:
        assert admin_client.get(AGENTS, {"nothing": "x"})["Location"] == f"{AGENTS}?e=1"

    def test_events_of_an_id_with_nul_are_no_server_error(self, admin_client: Client) -> None:
        admin_client.raise_request_exception = False
        answer = admin_client.get(EVENTS, {"agent_id__exact": "a\0b"})
        assert answer.status_code in {200, 400}


class TestIndex:
    def test_the_index_links_to_agents_and_history(self, admin_client: Client) -> None:
        html = page(admin_client, "/admin/")

        assert f'href="{AGENTS}"' in html
        assert f'href="{EVENTS}"' in html
        assert "Agent registry" in html
        assert 'href="/docs"' in html


class TestList:
    def test_a_row_shows_what_an_operator_needs(self, admin_client: Client) -> None:
        leases.register(
            agent_id="weather-1", agent_name="Weather", host="10.0.0.7", port=8000, tags=["eu"]
        )
        leases.renew(agent_id="weather-1", status="degraded", load=0.25, note="slow upstream")

        html = page(admin_client)

        assert '<span class="agent-label level-warn">degraded</span>' in html
        assert "weather-1" in html
        assert "Weather" in html
        assert "10.<wbr>0.<wbr>0.<wbr>7:8000" in html
        assert "degraded, load 25%" in html
        assert "slow upstream" in html
        assert re.search(r'<a class="agent-chip" href="\?tag=eu"[^>]*>eu</a>', html)
        assert re.search(r'<span class="fleet-left">5\d s</span>', html)
        assert re.search(r">(now|\d s ago)</time>", html)

    def test_an_expired_agent_shows_since_when(self, admin_client: Client) -> None:
        AgentFactory.create(expired=True)

        html = page(admin_client)

        assert '<span class="agent-label level-bad">expired</span>' in html
        assert "ended 59 min ago" in html
        assert ">1 h ago</time>" in html

    @pytest.mark.parametrize(
        ("state", "level"), [("draining", "hold"), ("quarantined", "isolated")]
    )
    def test_the_operators_state_outranks_a_valid_lease(
        self, admin_client: Client, state: str, level: str
    ) -> None:
        AgentFactory.create(state=state)

        html = page(admin_client)

        assert f'<span class="agent-label level-{level}">{state}</span>' in html
        assert "set by an operator" in html

    def test_the_lease_is_judged_by_the_databases_clock(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leases.register(agent_id="a", host="h", port=1)
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=1))

        assert "agent-label level-ok" in page(admin_client)
        assert "agent-condition level-ok" in page(admin_client, f"{AGENTS}a/change/")
        assert listed(admin_client, liveness="alive") == ["a"]
        assert listed(admin_client, liveness="expired") == []

    def test_the_list_can_be_filtered_by_liveness_state_and_status(
        self, admin_client: Client
    ) -> None:
        AgentFactory.create(agent_id="a", state="draining")
        AgentFactory.create(agent_id="b", expired=True, state="draining", status="busy")
        AgentFactory.create(agent_id="c", status="busy")

        assert listed(admin_client) == ["a", "b", "c"]
        assert listed(admin_client, liveness="alive") == ["a", "c"]
        assert listed(admin_client, liveness="expired") == ["b"]
        assert listed(admin_client, liveness="nonsense") == []
        assert listed(admin_client, state__exact="draining") == ["a", "b"]
        assert listed(admin_client, status__exact="busy") == ["b", "c"]
        assert listed(admin_client, status__exact="busy", liveness="alive") == ["c"]

    def test_filter_choices_can_show_counts(self, admin_client: Client) -> None:
        AgentFactory.create_batch(2)
        AgentFactory.create(expired=True)

        html = page(admin_client, _facets="True")

        assert "Alive (2)" in html
        assert "Expired (1)" in html
        assert "Quarantined (0)" in html

    @pytest.mark.parametrize("text", ["WEATHER", "Köln", "node-7", "1.e"])
    def test_the_search_covers_ids_names_and_hosts(self, admin_client: Client, text: str) -> None:
        AgentFactory.create(agent_id="weather-1", agent_name="Köln's own", host="node-7.example")
        AgentFactory.create(agent_id="x-1.e" if text == "1.e" else "other")

        found = listed(admin_client, q=text)

        assert found == (["x-1.e"] if text == "1.e" else ["weather-1"])

    def test_columns_can_be_sorted(self, admin_client: Client) -> None:
        now = timezone.now()
        AgentFactory.create(
            agent_id="a", ttl_seconds=600, last_heartbeat=now - timedelta(seconds=60)
        )
        AgentFactory.create(
            agent_id="b", ttl_seconds=60, last_heartbeat=now - timedelta(seconds=30)
        )
        AgentFactory.create(agent_id="c", ttl_seconds=300, last_heartbeat=now)

        agent, left, heartbeat = "2", "6", "7"
        assert listed(admin_client, o=f"-{agent}") == ["c", "b", "a"]
        assert listed(admin_client, o=left) == ["b", "c", "a"]
        assert listed(admin_client, o=f"-{left}") == ["a", "c", "b"]
        assert listed(admin_client, o=heartbeat) == ["a", "b", "c"]

    def test_many_tags_and_a_long_note_are_shortened(self, admin_client: Client) -> None:
        AgentFactory.create(tags=[f"tag-{number}" for number in range(64)], note="n" * 256)

        html = page(admin_client)

        assert html.count('class="agent-chip"') == 4
        assert "+60" in html
        assert f">{'n' * 79}…<" in html

    def test_what_agents_send_is_escaped(self, admin_client: Client) -> None:
        AgentFactory.create(
            agent_id="a",
            agent_name=HOSTILE,
            host=HOSTILE,
            note=HOSTILE,
            version=HOSTILE[:64],
            tags=[HOSTILE],
            skills=[HOSTILE],
            metadata={HOSTILE: [HOSTILE]},
        )
        AgentEvent.objects.create(
            agent_id="a", kind="refused", at=timezone.now(), actor=HOSTILE, reason=HOSTILE
        )

        for url in [AGENTS, f"{AGENTS}a/change/", EVENTS, f"{EVENTS}?agent_id__exact=a"]:
            html = page(admin_client, url)
            assert "&lt;script&gt;alert(1)" in html
            assert "<script>alert" not in html
            assert "<img src=x" not in html

    def test_ids_with_special_characters_link_to_their_pages(self, admin_client: Client) -> None:
        for agent_id in ["add", "a:b_c-d.e", "_3A", "x" * 255, "..."]:
            AgentFactory.create(agent_id=agent_id)

        for agent in admin_client.get(AGENTS).context["cl"].result_list:
            url = admin_client.get(AGENTS).context["cl"].url_for_result(agent)
            assert admin_client.get(url).context["agent"] == agent

    def test_an_empty_registry_shows_where_agents_register(
        self, admin_client: Client, settings: Any
    ) -> None:
        settings.REGISTRY_URL = "https://registry.example"

        assert "https://registry.example/agents/register" in page(admin_client)

        AgentFactory.create()
        assert "https://registry.example/agents/register" not in page(admin_client)

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

    @pytest.mark.parametrize("agents", [1, 100])
    def test_the_number_of_queries_does_not_grow_with_the_fleet(
        self, admin_client: Client, django_assert_num_queries: Any, agents: int
    ) -> None:
        AgentFactory.create_batch(agents, tags=["a"] * 64)

        # The session, the user, the sweep's mark, the saved views, the agents.
        with django_assert_num_queries(5):
            page(admin_client)

    def test_pages_have_no_inline_scripts_or_styles(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", note="n", tags=["t"])

        for url in [AGENTS, f"{AGENTS}a/change/", EVENTS]:
            html = page(admin_client, url)
            assert "<style" not in html
            assert "<script>" not in html
            assert ' style="' not in html
            assert ' onclick="' not in html
            assert 'href="/static/agents/admin.css"' in html


class TestPermissions:
    def test_viewing_allows_no_actions(self, staff: Callable[..., Client]) -> None:
        AgentFactory.create(agent_id="a", expired=True)
        client = staff("view_agentrecord")

        assert listed(client) == ["a"]
        assert 'name="action"' not in page(client)
        html = page(client, f"{AGENTS}a/change/")
        assert 'name="action"' not in html
        assert "History" not in html
        assert client.get(EVENTS).status_code == 403

    def test_the_list_needs_the_permission_to_view_agents(
        self, staff: Callable[..., Client]
    ) -> None:
        AgentFactory.create(agent_id="a")
        client = staff("view_agentevent")

        assert client.get(AGENTS).status_code == 403
        assert client.get(f"{AGENTS}a/change/").status_code == 403
        assert client.get(EVENTS).status_code == 200

    def test_an_agents_page_offers_operations_that_are_allowed_and_useful(
        self, staff: Callable[..., Client]
    ) -> None:
        AgentFactory.create(agent_id="alive", state="draining")
        AgentFactory.create(agent_id="dead", expired=True)
        client = staff("change_agentrecord", "delete_agentrecord")

        def operations(agent_id: str) -> Any:
            return client.get(f"{AGENTS}{agent_id}/change/").context["operations"]

        assert operations("alive") == ["quarantine", "resume", "extend", "deregister"]
        assert operations("dead") == ["drain", "quarantine", "extend", "purge", "deregister"]
