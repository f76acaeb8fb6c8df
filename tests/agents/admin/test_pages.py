"""All pages of the admin: bad input, permissions, escaping, inline scripts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.models import AgentEvent
from tests.agents.admin.agent_list import AGENTS, HOSTILE, listed, page
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

MODELS = [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]
EVENTS = "/admin/agents/agentevent/"


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


class TestAllPages:
    def test_the_lease_is_judged_by_the_databases_clock(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leases.register(agent_id="a", host="h", port=1)
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=1))

        assert "fleet-dot level-ok" in page(admin_client)
        assert "agent-condition level-ok" in page(admin_client, f"{AGENTS}a/change/")
        assert listed(admin_client, liveness="alive") == ["a"]
        assert listed(admin_client, liveness="expired") == []

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


@pytest.mark.parametrize("app", ["agents", "auth", "axes"])
def test_the_lists_of_an_app_are_listed(admin_client: Client, app: str) -> None:
    answer = admin_client.get(f"/admin/{app}/")
    assert answer.status_code == 200
    assert f'href="/admin/{app}/' in answer.content.decode()
