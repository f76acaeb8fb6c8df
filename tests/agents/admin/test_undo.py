"""The button "Undo" of messages: what was before is restored, unless something changed since."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.models import AccessToken, AgentEvent, AgentRecord, Channel, Undo
from agents.tokens import access as access_tokens
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
CHANNELS = "/admin/agents/channel/"
Staff = Callable[..., Client]
OPERATOR = ("view_agentrecord", "change_agentrecord")


def act(client: Client, action: str, *ids: str, **more: str) -> Any:
    posted = {"action": action, "_selected_action": [*ids], "confirmed": "yes", **more}
    answer = client.post(AGENTS, posted, follow=True)
    assert answer.status_code == 200
    return answer


def button(answer: Any) -> str | None:
    """Return where the Undo button posts to."""
    found = re.search(r'<form class="undo" method="post" action="([^"]+)"', answer.content.decode())
    return found and found[1]


def undo(client: Client, answer: Any, **posted: str) -> str:
    """Click Undo; return the message."""
    url = button(answer)
    assert url
    [message] = client.post(url, posted, follow=True).context["messages"]
    return str(message)


def states() -> dict[str, str]:
    return dict(AgentRecord.objects.values_list("agent_id", "state"))


class TestStates:
    def test_each_agent_gets_the_state_that_it_had(self, admin_client: Client) -> None:
        before = {"a": "active", "d": "draining", "q": "quarantined"}
        for agent_id, state in before.items():
            AgentFactory.create(agent_id=agent_id, state=state)
        answer = act(admin_client, "drain", *before)
        assert states() == dict.fromkeys(before, "draining")

        message = undo(admin_client, answer)

        assert message == "Drain undone for 2 agents."
        assert states() == before
        assert AgentEvent.objects.filter(agent_id="d").count() == 0

    def test_the_history_says_who_undid_what_and_keeps_the_reason(
        self, admin_client: Client
    ) -> None:
        AgentFactory.create(agent_id="a")
        leases.set_state(agent_id="a", state="quarantined", actor="admin:ada", reason="it lies")

        undo(admin_client, act(admin_client, "resume", "a"))

        last = AgentEvent.objects.latest("pk")
        assert (last.kind, last.actor) == ("quarantined", "admin:admin")
        assert last.reason == "resume undone; quarantined before: it lies"

    def test_all_matching_agents_are_undone_at_once(self, admin_client: Client) -> None:
        for number in range(120):
            AgentFactory.create(agent_id=f"a{number:03}", state=["active", "draining"][number % 2])
        before = states()

        answer = act(admin_client, "quarantine", "a000", select_across="1")
        message = undo(admin_client, answer)

        assert message == "Quarantine undone for 120 agents."
        assert states() == before

    def test_what_somebody_did_since_is_left_alone(self, admin_client: Client) -> None:
        for agent_id in ["changed", "there-and-back", "gone", "same"]:
            AgentFactory.create(agent_id=agent_id)
        answer = act(admin_client, "drain", "changed", "there-and-back", "gone", "same")
        leases.set_state(agent_id="changed", state="quarantined", actor="admin:ada")
        leases.set_state(agent_id="there-and-back", state="active", actor="admin:ada")
        leases.set_state(agent_id="there-and-back", state="draining", actor="admin:ada")
        leases.deregister(agent_id="gone", actor="admin:ada")

        message = undo(admin_client, answer)

        assert message == (
            "Drain undone for 1 agent; 2 have changed since and were left alone; "
            "1 was no longer registered."
        )
        assert states() == {
            "changed": "quarantined",
            "there-and-back": "draining",
            "same": "active",
        }

    def test_it_works_once(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")
        answer = act(admin_client, "drain", "a")
        undo(admin_client, answer)
        leases.set_state(agent_id="a", state="draining", actor="admin:ada")

        assert "too late" in undo(admin_client, answer)
        assert states() == {"a": "draining"}

    def test_it_works_for_an_hour(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")
        answer = act(admin_client, "drain", "a")
        Undo.objects.update(created_at=timezone.now() - timedelta(minutes=61))

        assert "too late" in undo(admin_client, answer)
        assert states() == {"a": "draining"}

    def test_what_can_no_longer_be_undone_is_deleted(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")
        act(admin_client, "drain", "a")
        Undo.objects.update(created_at=timezone.now() - timedelta(minutes=61))

        act(admin_client, "resume", "a")

        assert Undo.objects.get().operation == "resume"

    def test_what_takes_too_long_can_be_undone_in_parts(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        AgentFactory.create(agent_id="a")
        answer = act(admin_client, "drain", "a")
        with monkeypatch.context() as patch:
            patch.setattr("agents.admin.widgets.id_chunks.MAX_SECONDS", -1)
            url = button(answer)
            assert url
            stopped = admin_client.post(url, follow=True)
        assert "undo again for the rest" in stopped.content.decode()
        assert states() == {"a": "draining"}

        undo(admin_client, stopped)

        assert states() == {"a": "active"}

    def test_nothing_changed_offers_no_undo(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", state="draining")

        assert button(act(admin_client, "drain", "a")) is None

    @pytest.mark.parametrize("action", ["purge", "deregister"])
    def test_what_only_the_agent_can_undo_offers_none(
        self, admin_client: Client, action: str
    ) -> None:
        AgentFactory.create(agent_id="a", expired=True)

        answer = act(admin_client, action, "a")

        assert not AgentRecord.objects.exists()
        assert button(answer) is None


class TestExtensions:
    def test_the_lease_ends_when_it_did(self, admin_client: Client) -> None:
        heartbeat = timezone.now() - timedelta(seconds=20)
        AgentFactory.create(agent_id="a", last_heartbeat=heartbeat)

        message = undo(admin_client, act(admin_client, "extend", "a"))

        agent = AgentRecord.objects.get()
        assert message == "Extend undone for 1 agent."
        assert agent.last_heartbeat == heartbeat
        last = AgentEvent.objects.latest("pk")
        assert (last.kind, last.reason) == (
            "extended",
            f"undone: until {agent.expires_at:%Y-%m-%d %H:%M:%S UTC}",
        )

    def test_a_lease_that_had_ended_ends_now(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", expired=True)
        answer = act(admin_client, "extend", "a")
        before = timezone.now()

        undo(admin_client, answer)

        assert not AgentRecord.objects.alive().exists()
        assert AgentRecord.objects.get().expires_at >= before - timedelta(seconds=1)

    def test_an_agent_that_has_sent_a_heartbeat_keeps_its_lease(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", expired=True)
        answer = act(admin_client, "extend", "a")
        leases.renew(agent_id="a")

        message = undo(admin_client, answer)

        assert "1 has changed since and was left alone" in message
        assert AgentRecord.objects.alive().exists()


class TestMutes:
    @pytest.fixture
    def channel(self) -> Channel:
        return Channel.objects.create(
            name="ops",
            kind="webhook",
            created_at=timezone.now(),
            created_by="admin:admin",
            muted_until=timezone.now() + timedelta(minutes=5),
        )

    @pytest.mark.parametrize("hours", ["0", "24"])
    def test_a_channel_is_muted_as_before(
        self, admin_client: Client, channel: Channel, hours: str
    ) -> None:
        answer = admin_client.post(f"{CHANNELS}{channel.pk}/mute/", {"hours": hours}, follow=True)

        undo(admin_client, answer)

        before = channel.muted_until
        channel.refresh_from_db()
        assert channel.muted_until == before

    def test_a_later_mute_is_left_alone(self, admin_client: Client, channel: Channel) -> None:
        answer = admin_client.post(f"{CHANNELS}{channel.pk}/mute/", {"hours": "0"}, follow=True)
        later = timezone.now() + timedelta(days=1)
        Channel.objects.update(muted_until=later)

        assert "too late" in undo(admin_client, answer)
        channel.refresh_from_db()
        assert channel.muted_until == later


def test_agents_of_a_revoked_token_get_their_states_back(admin_client: Client) -> None:
    issued = access_tokens.issue(name="leaked", actor="admin:admin", may_register=True)
    token = AccessToken.objects.get()
    assert issued
    AgentFactory.create(agent_id="a", enrolled_by=token.key, state="draining")

    answer = admin_client.post(
        f"/admin/agents/accesstoken/{token.pk}/quarantine/", {"reason": ""}, follow=True
    )
    assert states() == {"a": "quarantined"}
    undo(admin_client, answer)

    assert states() == {"a": "draining"}
    token.refresh_from_db()
    assert token.revoked_at


class TestWhoMayUndo:
    @pytest.fixture
    def drained(self, staff: Staff) -> tuple[Client, str]:
        AgentFactory.create(agent_id="a")
        client = staff(*OPERATOR)
        url = button(act(client, "drain", "a"))
        assert url
        return client, url

    def test_an_operator_undoes_it_and_goes_back(self, drained: tuple[Client, str]) -> None:
        client, url = drained

        answer = client.post(url, {"next": f"{AGENTS}?state__exact=draining"})

        assert answer["Location"] == f"{AGENTS}?state__exact=draining"
        assert states() == {"a": "active"}

    def test_nobody_is_sent_to_another_website(self, drained: tuple[Client, str]) -> None:
        client, url = drained

        assert client.post(url, {"next": "//evil.example/"})["Location"] == AGENTS

    def test_a_get_changes_nothing(self, drained: tuple[Client, str]) -> None:
        client, url = drained

        assert client.get(url).status_code == 405
        assert states() == {"a": "draining"}

    def test_somebody_else_cannot(self, drained: tuple[Client, str], admin_client: Client) -> None:
        admin_client.post(drained[1])

        assert states() == {"a": "draining"}

    def test_without_the_permission_it_is_refused(self, drained: tuple[Client, str]) -> None:
        client, url = drained
        User.objects.get(pk=client.session["_auth_user_id"]).user_permissions.clear()

        assert client.post(url).status_code == 403
        assert states() == {"a": "draining"}

    def test_the_undo_of_a_channel_does_not_undo_an_agent(
        self, drained: tuple[Client, str]
    ) -> None:
        client, url = drained
        user = User.objects.get(pk=client.session["_auth_user_id"])
        User.objects.filter(pk=user.pk).update(is_superuser=True)

        client.post(url.replace("agentrecord", "channel"))

        assert states() == {"a": "draining"}
