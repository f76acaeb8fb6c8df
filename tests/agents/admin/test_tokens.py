"""The admin's pages for access tokens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from agents.models import AccessToken, AgentEvent
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

TOKENS = "/admin/agents/accesstoken/"
ADD = f"{TOKENS}add/"
TERMS = {"name": "weather", "may_register": "on", "agent_prefix": "weather-", "days": "30"}
Staff = Callable[..., Client]


def page(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return str(answer.content.decode())


def issue(**terms: Any) -> AccessToken:
    return access_tokens.issue(**({"name": "a token", "actor": "command"} | terms))[0]


def page_of(token: AccessToken) -> str:
    return f"{TOKENS}{token.pk}/change/"


class TestIssuing:
    def test_the_token_is_shown_with_its_use(self, admin_client: Client) -> None:
        answer = admin_client.post(
            ADD, TERMS | {"max_agents": "5", "may_read": "on", "may_operate": "on"}, follow=True
        )

        assert answer.status_code == 200
        access = access_tokens.authenticate(answer.context["text"])
        text = answer.content.decode()
        assert text.count(answer.context["text"]) == 1
        assert "AGENT_ENROLMENT_TOKEN" in text
        assert "Authorization: Bearer $TOKEN" in text
        assert "weather-1" in text
        token = AccessToken.objects.get()
        assert access.key == token.key
        assert (token.agent_prefix, token.max_agents, token.created_by) == (
            "weather-",
            5,
            "admin:admin",
        )
        assert token.rights == ["register", "read", "operate"]
        assert token.expires_at is not None
        assert token.expires_at - token.created_at == timedelta(days=30)

    def test_the_token_is_stored_and_cached_nowhere(self, admin_client: Client) -> None:
        answer = admin_client.post(ADD, TERMS, follow=True)
        secret = answer.context["text"][17:]

        assert "no-store" in answer["Cache-Control"]
        assert secret not in answer.cookies.output()
        for session in Session.objects.all():
            assert secret not in str(session.get_decoded())
        for url in (TOKENS, page_of(AccessToken.objects.get()), "/admin/", ADD):
            assert secret not in page(admin_client, url)
        assert secret not in str(list(AgentEvent.objects.values()))

    def test_a_reload_shows_no_secret_and_issues_nothing(self, admin_client: Client) -> None:
        url = admin_client.post(ADD, TERMS).headers["Location"]
        kept = str(admin_client.session["shown_once"])
        text = admin_client.get(url).context["text"]
        assert text not in kept

        again = admin_client.get(url, follow=True)
        token = AccessToken.objects.get()
        assert again.redirect_chain == [(page_of(token), 302)]
        assert [str(message) for message in again.context["messages"]][-1] == (
            "A token is shown only once."
        )
        assert text not in again.text

    def test_nobody_else_sees_it(self, admin_client: Client, admin_user: User) -> None:
        url = admin_client.post(ADD, TERMS).headers["Location"]
        other = Client()
        other.force_login(admin_user)
        assert other.get(url).status_code == 302
        assert admin_client.get(url).status_code == 200

    def test_the_form_proposes_a_token_that_expires(self, admin_client: Client) -> None:
        text = page(admin_client, ADD)

        assert 'name="days" value="90"' in text
        assert "Issue the token" in text
        assert "_addanother" not in text

    @pytest.mark.parametrize(
        ("field", "change"),
        [
            ("name", {"name": ""}),
            ("name", {"name": "x" * 101}),
            ("may_register", {"may_register": "", "agent_prefix": ""}),
            ("agent_prefix", {"agent_prefix": "a b"}),
            ("agent_prefix", {"may_register": "", "may_read": "on"}),
            ("may_operate", {"may_operate": "on"}),
            ("max_agents", {"max_agents": "0"}),
            ("max_agents", {"max_agents": "9" * 30}),
            ("days", {"days": "0"}),
            ("days may_register", {"days": "0", "may_register": ""}),
            ("days", {"days": "36501"}),
            ("days", {"days": "9" * 30}),
        ],
    )
    def test_invalid_terms_are_reported_at_their_field(
        self, admin_client: Client, field: str, change: dict[str, str]
    ) -> None:
        answer = admin_client.post(ADD, TERMS | change)

        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == field.split()
        assert not AccessToken.objects.exists()

    def test_a_token_without_days_lasts_until_it_is_revoked(self, admin_client: Client) -> None:
        answer = admin_client.post(ADD, TERMS | {"days": ""}, follow=True)

        assert AccessToken.objects.get().expires_at is None
        assert "until it is revoked" in " ".join(answer.content.decode().split())


class TestRevoking:
    def test_revoking_asks_for_confirmation(
        self, admin_client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        token, text = access_tokens.issue(name="weather", actor="command")
        access_tokens.authenticate(text)
        AgentFactory.create(enrolled_by=token.key)
        data = {"action": "revoke", "_selected_action": [token.pk]}

        confirmation = admin_client.post(TOKENS, data)
        assert f"weather ({token.key}): 1 agent alive" in confirmation.content.decode()
        assert access_tokens.authenticate(text)

        with django_capture_on_commit_callbacks(execute=True):
            done = admin_client.post(TOKENS, data | {"confirmed": "yes"}, follow=True)

        assert [str(message) for message in done.context["messages"]] == ["1 token revoked."]
        with pytest.raises(access_tokens.InvalidToken):
            access_tokens.authenticate(text)
        token.refresh_from_db()
        assert token.revoked_by == "admin:admin"

    def test_a_revoked_token_is_not_revoked_again(self, admin_client: Client) -> None:
        token = issue()
        access_tokens.revoke(key=token.key, actor="command")

        data = {"action": "revoke", "_selected_action": [token.pk]}
        done = admin_client.post(TOKENS, data, follow=True)

        assert [str(message) for message in done.context["messages"]] == ["Already revoked."]
        assert "Revoke…" not in page(admin_client, page_of(token))

    def test_a_tokens_page_has_a_button_to_revoke_it(self, admin_client: Client) -> None:
        assert "Revoke…" in page(admin_client, page_of(issue()))


class TestPages:
    def test_the_list_shows_each_token_and_links_to_its_agents(self, admin_client: Client) -> None:
        token = issue(agent_prefix="weather-", max_agents=5, lifetime=timedelta(days=30))
        AgentFactory.create(agent_id="mine", enrolled_by=token.key)
        AgentFactory.create(agent_id="other")
        text = page(admin_client, TOKENS)

        for part in ("weather-", "1 of 5", "in 29 d", "never", 'level-ok">good', token.key):
            assert part in text
        fleet = f"/admin/agents/agentrecord/?enrolled_by__exact={token.key}"
        assert fleet in text
        listed = page(admin_client, fleet)
        assert "mine" in listed
        assert "other" not in listed

    def test_the_list_can_be_filtered_by_state(self, admin_client: Client) -> None:
        issue(name="usable", lifetime=timedelta(days=1))
        issue(name="eternal")
        issue(name="late", lifetime=timedelta(days=1))
        gone = issue(name="gone")
        AccessToken.objects.filter(name="late").update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
        access_tokens.revoke(key=gone.key, actor="command")

        def names(state: str) -> set[str]:
            answer = admin_client.get(f"{TOKENS}?token_state={state}")
            return {token.name for token in answer.context["cl"].result_list}

        assert names("good") == {"usable", "eternal"}
        assert names("expired") == {"late"}
        assert names("revoked") == {"gone"}
        assert 'level-bad">expired' in page(admin_client, TOKENS)

    def test_a_tokens_page_shows_no_hash_and_has_nothing_to_edit(
        self, admin_client: Client
    ) -> None:
        token = issue(name="w")
        AccessToken.objects.update(last_used_at=timezone.now(), last_used_from="10.0.0.7")
        text = page(admin_client, page_of(token))

        assert token.digest not in text
        assert "10.0.0.7" in text
        assert "by command" in text
        assert "Issue the token" not in text
        assert 'name="name"' not in text

    def test_an_agents_page_links_to_its_token(self, admin_client: Client) -> None:
        token = issue(name="weather")
        AgentFactory.create(agent_id="a", enrolled_by=token.key)

        assert page_of(token) in page(admin_client, "/admin/agents/agentrecord/a/change/")

    @pytest.mark.parametrize(("auth", "is_shown"), [("open", True), ("token", False)])
    def test_an_open_registry_is_pointed_out(
        self, admin_client: Client, settings: Any, auth: str, is_shown: bool
    ) -> None:
        settings.REGISTRY_AUTH = auth

        assert ("This registry is open" in page(admin_client, TOKENS)) is is_shown

    def test_names_are_escaped(self, admin_client: Client) -> None:
        token = issue(name="<script>alert(1)</script>")

        for url in (TOKENS, page_of(token)):
            assert "<script>alert" not in page(admin_client, url)


class TestPermissions:
    def test_viewing_allows_neither_issuing_nor_revoking(self, staff: Staff) -> None:
        token = issue()
        client = staff("view_accesstoken")

        assert token.key in page(client, TOKENS)
        assert "Revoke…" not in page(client, page_of(token))
        page(client, ADD, status=403)
        assert client.post(ADD, TERMS).status_code == 403
        data = {"action": "revoke", "_selected_action": [token.pk], "confirmed": "yes"}
        client.post(TOKENS, data)
        assert AccessToken.objects.get().revoked_at is None

    def test_adding_allows_issuing(self, staff: Staff) -> None:
        client = staff("add_accesstoken")

        answer = client.post(ADD, TERMS, follow=True)

        assert access_tokens.authenticate(answer.context["text"])
        assert AccessToken.objects.get().created_by == "admin:grace"

    def test_changing_allows_revoking_but_no_editing(self, staff: Staff) -> None:
        token = issue()
        client = staff("view_accesstoken", "change_accesstoken")

        assert client.post(page_of(token), TERMS).status_code == 403
        data = {"action": "revoke", "_selected_action": [token.pk], "confirmed": "yes"}
        client.post(TOKENS, data)

        token.refresh_from_db()
        assert (token.name, token.revoked_by) == ("a token", "admin:grace")

    def test_tokens_cannot_be_deleted(self, admin_client: Client) -> None:
        token = issue()

        assert admin_client.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [token.pk], "post": "yes"}
        admin_client.post(TOKENS, data)
        assert AccessToken.objects.exists()

    def test_without_permissions_the_pages_are_refused(self, staff: Staff) -> None:
        page(staff("view_agentrecord"), TOKENS, status=403)


def test_the_admin_leaves_the_same_rows_as_issuing_directly(admin_client: Client) -> None:
    admin_client.post(ADD, TERMS | {"max_agents": "5"})
    access_tokens.issue(
        name="weather",
        agent_prefix="weather-",
        max_agents=5,
        lifetime=timedelta(days=30),
        actor="admin:admin",
    )
    token_cache.forget()

    different = ("id", "key", "digest", "created_at", "expires_at")
    rows = [
        {name: value for name, value in row.items() if name not in different}
        for row in AccessToken.objects.values()
    ]
    assert rows[0] == rows[1]
    events = AgentEvent.objects.values_list("agent_id", "kind", "actor", "address", "generation")
    assert events[0] == events[1]
