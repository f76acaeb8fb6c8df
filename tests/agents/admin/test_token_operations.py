"""What a token registered, replacing it, and revoking it together with its agents."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents import leases
from agents.history import registered
from agents.models import AccessToken, AgentEvent, AgentRecord
from agents.tokens import access as access_tokens
from agents.tokens.enrollment import Enrolment
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
Staff = Callable[..., Client]
TOKENS = "/admin/agents/accesstoken/"
REPLACED = {"hours": "24", "days": "30", "confirmed": "yes"}


@pytest.fixture
def token() -> AccessToken:
    return access_tokens.issue(name="weather", actor="command", may_read=True)[0]


def url(token: AccessToken, page: str) -> str:
    return f"{TOKENS}{token.pk}/{page}/"


def register(token: AccessToken, agent_id: str) -> None:
    enrolment = Enrolment(f"token:{token.key}", token.key)
    leases.register(agent_id=agent_id, host="h", port=1, address="10.0.0.7", enrolment=enrolment)


def listed(client: Client, token: AccessToken, query: str = "") -> list[str]:
    return [row["agent_id"] for row in client.get(url(token, "agents") + query).context["rows"]]


class TestRegistered:
    def test_agents_alive_and_gone_are_listed_once_each_newest_first(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        for agent_id in ("a", "b", "c", "a"):
            register(token, agent_id)
        leases.deregister(agent_id="b")
        register(access_tokens.issue(name="other", actor="command")[0], "of-another")

        assert listed(admin_client, token) == ["a", "c", "b"]
        answer = admin_client.get(url(token, "agents"))
        rows = {row["agent_id"]: str(row["now"]) for row in answer.context["rows"]}
        assert "alive" in rows["a"]
        assert "gone" in rows["b"]
        assert "10.0.0.7" in answer.text
        assert "/admin/agents/agentrecord/b/change/" in answer.text
        assert "2 are alive" in " ".join(answer.text.split())
        assert url(token, "agents") in admin_client.get(url(token, "change")).text

    def test_an_agent_that_registered_again_with_another_token_names_that(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        other, _ = access_tokens.issue(name="other", actor="command")
        register(token, "a")
        register(other, "a")

        assert f"token {other.key}" in admin_client.get(url(token, "agents")).text

    def test_many_agents_are_paged_and_none_comes_twice(
        self, admin_client: Client, token: AccessToken, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registered, "MOST", 3)
        monkeypatch.setattr(registered, "WINDOW", 4)
        for number in (1, 2, 3, 4, 5, 1, 1, 1, 6):
            register(token, f"a{number}")

        found, query = [], ""
        for _ in range(9):
            answer = admin_client.get(url(token, "agents") + query)
            found += [row["agent_id"] for row in answer.context["rows"]]
            if answer.context["next"] is None:
                break
            query = f"?before={answer.context['next']}"
        assert found == ["a6", "a1", "a5", "a4", "a3", "a2"]

    def test_without_registrations_and_with_a_wrong_cursor_the_page_says_so(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        assert "has no registration with this token" in admin_client.get(url(token, "agents")).text
        for wrong in ("x", "9" * 40, "-1", "٣"):
            assert admin_client.get(url(token, "agents"), {"before": wrong}).status_code == 200

    def test_the_number_of_queries_does_not_grow(
        self, admin_client: Client, token: AccessToken, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            register(token, f"a{number}")

        with django_assert_max_num_queries(12):
            assert len(listed(admin_client, token)) == 30

    def test_it_needs_the_permission_to_see_the_history(
        self, staff: Staff, token: AccessToken
    ) -> None:
        client = staff("view_accesstoken")

        assert client.get(url(token, "agents")).status_code == 403
        assert "Agents it registered" not in client.get(url(token, "change")).text


class TestReplacing:
    def test_the_new_token_is_shown_once_and_the_old_one_shows_when_it_ends(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        register(token, "still-here")

        shown = admin_client.post(url(token, "replace"), REPLACED, follow=True)

        new = AccessToken.objects.get(key=access_tokens.authenticate(shown.context["text"]).key)
        assert (new.created_by, new.may_read) == ("admin:admin", True)
        token.refresh_from_db()
        assert token.expires_at is not None
        assert timedelta(hours=23) < token.expires_at - new.created_at < timedelta(hours=25)
        assert f"{token.expires_at:%Y-%m-%d %H:%M:%S}" in shown.text
        for each in (token, new):
            page = admin_client.get(url(each, "change")).text
            assert f"{token.expires_at:%Y-%m-%d %H:%M:%S}" in page
            assert "still-here" in page
        assert new.key in admin_client.get(url(token, "change")).text

    def test_an_agent_leaves_the_list_of_the_old_token_when_it_registers_with_the_new_one(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        register(token, "a")
        admin_client.post(url(token, "replace"), REPLACED)
        register(AccessToken.objects.latest("pk"), "a")

        text = admin_client.get(url(token, "change")).text
        assert "No living agent is registered with the old token." in text

    def test_opening_the_page_replaces_nothing(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        assert "Keep the old token for" in admin_client.get(url(token, "replace")).text
        assert AccessToken.objects.count() == 1

    @pytest.mark.parametrize("change", [{"hours": "5"}, {"days": "0"}, {"days": "99999999"}])
    def test_wrong_times_are_reported_at_their_field(
        self, admin_client: Client, token: AccessToken, change: dict[str, str]
    ) -> None:
        answer = admin_client.post(url(token, "replace"), REPLACED | change)

        assert list(answer.context["form"].errors) == list(change)
        assert AccessToken.objects.count() == 1

    def test_a_token_is_replaced_once(self, admin_client: Client, token: AccessToken) -> None:
        admin_client.post(url(token, "replace"), REPLACED)

        again = admin_client.post(url(token, "replace"), REPLACED, follow=True)

        assert "was replaced by" in str([*again.context["messages"]][-1])
        assert AccessToken.objects.count() == 2
        assert "Replace…" not in admin_client.get(url(token, "change")).text

    @pytest.mark.parametrize("permission", ["add_accesstoken", "change_accesstoken"])
    def test_it_needs_the_permission_to_issue_and_to_revoke(
        self, staff: Staff, token: AccessToken, permission: str
    ) -> None:
        client = staff("view_accesstoken", permission)

        assert client.get(url(token, "replace")).status_code == 403
        assert client.post(url(token, "replace"), REPLACED).status_code == 403
        assert "Replace…" not in client.get(url(token, "change")).text

    def test_there_is_no_page_for_a_missing_token(self, admin_client: Client) -> None:
        for page in ("replace", "agents", "quarantine"):
            assert admin_client.get(f"{TOKENS}77/{page}/").status_code == 404


class TestRevokingWithQuarantine:
    def test_one_operation_revokes_the_token_and_quarantines_its_agents(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        AgentFactory.create(agent_id="a", enrolled_by=token.key)
        AgentFactory.create(agent_id="dead", enrolled_by=token.key, expired=True)
        AgentFactory.create(agent_id="other")
        confirmation = admin_client.get(url(token, "quarantine")).text
        assert "1 of 2 is alive" in " ".join(confirmation.split())

        done = admin_client.post(
            url(token, "quarantine"), {"reason": "leaked", "confirmed": "yes"}, follow=True
        )

        assert [str(one) for one in done.context["messages"]] == ["Revoked; 2 agents quarantined."]
        token.refresh_from_db()
        assert token.revoked_by == "admin:admin"
        states = dict(AgentRecord.objects.values_list("pk", "state"))
        assert states == {"a": "quarantined", "dead": "quarantined", "other": "active"}
        events = AgentEvent.objects.exclude(kind="token-issued").order_by("pk")
        assert [(e.kind, e.agent_id, e.actor, e.reason) for e in events] == [
            ("token-revoked", "", "admin:admin", f"token {token.key} 'weather': leaked"),
            *(
                ("quarantined", name, "admin:admin", f"token {token.key} revoked: leaked")
                for name in ("a", "dead")
            ),
        ]

    def test_opening_the_page_changes_nothing(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        AgentFactory.create(enrolled_by=token.key)
        admin_client.get(url(token, "quarantine"))

        token.refresh_from_db()
        assert token.revoked_at is None
        assert AgentRecord.objects.get().state == "active"

    def test_what_registered_before_the_revocation_was_known_is_quarantined_by_another_run(
        self, admin_client: Client, token: AccessToken
    ) -> None:
        admin_client.post(url(token, "quarantine"), {"confirmed": "yes"})
        assert "Quarantine its agents…" not in admin_client.get(url(token, "change")).text
        AgentFactory.create(agent_id="late", enrolled_by=token.key)
        assert "Quarantine its agents…" in admin_client.get(url(token, "change")).text

        admin_client.post(url(token, "quarantine"), {"confirmed": "yes"})

        assert AgentRecord.objects.get().state == "quarantined"
        assert AgentEvent.objects.get(kind="quarantined").reason == f"token {token.key} revoked"

    def test_the_longest_reason_fits_and_a_longer_one_is_refused(
        self, admin_client: Client
    ) -> None:
        token, _ = access_tokens.issue(name="'\"\\" * 33, actor="command")
        AgentFactory.create(enrolled_by=token.key)
        longest = admin_client.get(url(token, "quarantine")).context["form"].fields["reason"]
        assert longest.max_length is not None
        data = {"reason": "x" * (longest.max_length + 1), "confirmed": "yes"}
        assert admin_client.post(url(token, "quarantine"), data).context["form"].errors

        admin_client.post(url(token, "quarantine"), data | {"reason": "x" * longest.max_length})

        for event in AgentEvent.objects.exclude(kind="token-issued"):
            assert event.reason.endswith("x" * longest.max_length)

    @pytest.mark.parametrize("permission", ["change_accesstoken", "change_agentrecord"])
    def test_it_needs_both_permissions(
        self, staff: Staff, token: AccessToken, permission: str
    ) -> None:
        AgentFactory.create(enrolled_by=token.key)
        client = staff("view_accesstoken", permission)

        data = {"confirmed": "yes"}
        assert client.post(url(token, "quarantine"), data).status_code == 403
        assert "quarantine its agents…" not in client.get(url(token, "change")).text
        assert AgentRecord.objects.get().state == "active"
