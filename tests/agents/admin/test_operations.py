"""What confirmed operations do. Their confirmation pages are in `test_confirmations`."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agents import leases
from agents.admin.widgets import id_chunks
from agents.models import AgentEvent, AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
ADMIN = "admin:admin"
Row = tuple[Any, ...]


def act(client: Client, action: str, *ids: str, url: str = AGENTS, **more: str) -> Any:
    """Post an action as its confirmation page does."""
    data = {"action": action, "_selected_action": list(ids), "select_across": "0"}
    data |= {"confirmed": "yes"} | more
    response = client.post(url, data, follow=True)
    assert response.status_code == 200
    return response


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def remaining() -> set[str]:
    return set(AgentRecord.objects.values_list("pk", flat=True))


def rows_of(agent_id: str) -> tuple[list[Row], list[Row]]:
    """Return an agent's record and events without ids and times."""
    agents = AgentRecord.objects.filter(pk=agent_id).values_list("state", "host", "ttl_seconds")
    events = AgentEvent.objects.filter(agent_id=agent_id).order_by("pk")
    return list(agents), list(events.values_list("kind", "actor", "reason", "address"))


class TestStates:
    @pytest.mark.parametrize(
        ("action", "state", "word"),
        [
            ("drain", "draining", "drained"),
            ("quarantine", "quarantined", "quarantined"),
            ("resume", "active", "resumed"),
        ],
    )
    def test_an_action_leaves_the_same_rows_as_the_leases(
        self, admin_client: Client, action: str, state: str, word: str
    ) -> None:
        before = "quarantined" if state == "active" else "active"
        for agent_id in ["by-admin", "by-leases"]:
            AgentFactory.create(agent_id=agent_id, state=before)

        response = act(admin_client, action, "by-admin")
        leases.set_state(agent_id="by-leases", state=state, actor=ADMIN)

        assert rows_of("by-admin") == rows_of("by-leases")
        assert messages(response) == [f"1 agent {word}."]

    def test_the_message_counts_unchanged_and_removed_agents(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")
        AgentFactory.create(agent_id="b")
        AgentFactory.create(agent_id="c", state="draining")

        response = act(admin_client, "drain", "a", "b", "c", "purged-meanwhile")

        assert messages(response) == [
            "2 agents drained; 1 was already draining; 1 was no longer registered."
        ]
        assert AgentEvent.objects.count() == 2

    def test_a_ticked_agent_stays_selected_even_if_it_no_longer_matches(
        self, admin_client: Client
    ) -> None:
        AgentFactory.create(agent_id="a", expired=True)

        response = act(admin_client, "drain", "a", url=f"{AGENTS}?liveness=alive")

        assert messages(response) == ["1 agent drained."]


class TestPurge:
    def test_the_admin_leaves_the_same_rows_as_the_leases(self, admin_client: Client) -> None:
        for agent_id in ["by-admin", "by-leases"]:
            AgentFactory.create(agent_id=agent_id, expired=True)

        act(admin_client, "purge", "by-admin")
        leases.purge_one(agent_id="by-leases", actor=ADMIN)

        assert rows_of("by-admin") == rows_of("by-leases")
        assert remaining() == set()

    def test_only_expired_agents_of_the_selection_are_purged(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="alive-1")
        AgentFactory.create(agent_id="alive-2")
        AgentFactory.create(agent_id="dead", expired=True)
        AgentFactory.create(agent_id="dead-not-selected", expired=True)

        response = act(admin_client, "purge", "alive-1", "alive-2", "dead", "gone")

        assert remaining() == {"alive-1", "alive-2", "dead-not-selected"}
        assert messages(response) == [
            "1 agent purged; 2 skipped because they are alive; 1 was no longer registered."
        ]

    def test_an_alive_agent_is_skipped_with_a_message(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert messages(act(admin_client, "purge", "a")) == [
            "0 agents purged; 1 skipped because it is alive."
        ]


class TestDeregister:
    def test_the_admin_leaves_the_same_rows_as_the_leases(self, admin_client: Client) -> None:
        for agent_id in ["by-admin", "by-leases"]:
            AgentFactory.create(agent_id=agent_id)

        response = act(admin_client, "deregister", "by-admin")
        leases.deregister(agent_id="by-leases", actor=ADMIN)

        assert rows_of("by-admin") == rows_of("by-leases")
        assert messages(response) == ["1 agent deregistered."]

    def test_an_agent_removed_before_the_confirmation_is_counted(
        self, admin_client: Client
    ) -> None:
        AgentFactory.create(agent_id="b")

        response = act(admin_client, "deregister", "a", "b")

        assert messages(response) == ["1 agent deregistered; 1 was no longer registered."]


class TestAcrossPages:
    def test_exactly_the_matching_agents_are_affected(self, admin_client: Client) -> None:
        AgentFactory.create_batch(120, state="draining")
        AgentFactory.create(agent_id="active")
        url = f"{AGENTS}?state__exact=draining"

        response = act(admin_client, "resume", "agent", url=url, select_across="1")

        assert messages(response) == ["120 agents resumed."]
        assert AgentEvent.objects.filter(kind="resumed", actor=ADMIN).count() == 120
        assert not AgentEvent.objects.filter(agent_id="active").exists()

    def test_purging_all_skips_the_alive(self, admin_client: Client) -> None:
        AgentFactory.create_batch(30, expired=True)
        AgentFactory.create_batch(20)

        response = act(admin_client, "purge", "agent", select_across="1")

        assert messages(response) == ["30 agents purged; 20 skipped because they are alive."]
        assert AgentRecord.objects.alive().count() == AgentRecord.objects.count() == 20

    def test_ids_are_read_in_chunks(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(id_chunks, "CHUNK", 7)
        AgentFactory.create_batch(21)

        response = act(admin_client, "deregister", "agent", select_across="1")

        assert messages(response) == ["21 agents deregistered."]
        assert remaining() == set()

    @pytest.mark.parametrize(
        ("action", "message"),
        [
            ("drain", "0 agents drained"),
            ("deregister", "0 agents deregistered"),
            ("purge", "0 agents purged; 1 skipped because it is alive"),
        ],
    )
    def test_an_operation_that_reaches_its_time_limit_reports_how_far_it_got(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch, action: str, message: str
    ) -> None:
        monkeypatch.setattr(id_chunks, "MAX_SECONDS", -1)
        AgentFactory.create_batch(3, expired=True)
        AgentFactory.create()

        response = act(admin_client, action, "agent", select_across="1")

        assert messages(response) == [f"{message}; stopped after -1 s: run it again for the rest."]
        assert AgentRecord.objects.filter(state="active").count() == 4

    def test_without_javascript_a_check_box_selects_all(self, admin_client: Client) -> None:
        AgentFactory.create_batch(101)
        html = admin_client.get(AGENTS).content.decode()
        within = html.split("<noscript>")[1].split("</noscript>")[0]
        assert 'name="select_across" value="1"' in within
        assert "all 101" in within

        # A browser posts the form's hidden 0 and the ticked box.
        data = {"action": "drain", "_selected_action": "", "select_across": ["0", "1"]}
        confirmation = admin_client.post(AGENTS, data | {"index": "0"}).content.decode()
        assert "Drain 101 agents?" in confirmation
        response = act(admin_client, "drain", "", select_across="1")

        assert messages(response) == ["101 agents drained."]

    def test_without_javascript_nothing_ticked_selects_none(self, admin_client: Client) -> None:
        AgentFactory.create_batch(101)

        response = act(admin_client, "drain", "", select_across="0")

        assert messages(response) == ["0 agents drained."]


class TestAgentPage:
    def test_its_buttons_act_on_the_agent_and_return_to_its_page(
        self, admin_client: Client
    ) -> None:
        AgentFactory.create(agent_id="a:1")
        AgentFactory.create(agent_id="b")

        response = act(admin_client, "quarantine", "a:1", from_agent="a:1")

        assert response.redirect_chain == [(f"{AGENTS}a_3A1/change/", 302)]
        assert messages(response) == ["1 agent quarantined."]
        assert set(AgentRecord.objects.filter(state="quarantined")) == {
            AgentRecord.objects.get(pk="a:1")
        }

    def test_an_agent_purged_meanwhile_gives_a_message(self, admin_client: Client) -> None:
        response = act(admin_client, "drain", "a", from_agent="a")

        assert response.redirect_chain == [(AGENTS, 302)]
        assert messages(response) == ["0 agents drained; 1 was no longer registered."]

    def test_deregistering_returns_to_the_list(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        response = act(admin_client, "deregister", "a", from_agent="a")

        assert response.redirect_chain == [(AGENTS, 302)]
        assert messages(response) == ["1 agent deregistered."]


class TestPermissions:
    @pytest.mark.parametrize(
        ("permission", "allowed"),
        [
            ("view_agentrecord", []),
            ("change_agentrecord", ["drain", "quarantine", "resume", "extend"]),
            ("delete_agentrecord", ["purge", "deregister"]),
        ],
    )
    def test_each_action_needs_its_permission(
        self, staff: Callable[..., Client], permission: str, allowed: list[str]
    ) -> None:
        client = staff("view_agentrecord", permission)
        for action in ["drain", "quarantine", "resume", "extend", "purge", "deregister"]:
            AgentRecord.objects.all().delete()
            AgentEvent.objects.all().delete()
            AgentFactory.create(
                agent_id="a",
                state="draining" if action == "resume" else "active",
                expired=action == "purge",
            )

            data = {"action": action, "_selected_action": "a", "confirmed": "yes"}
            answer = client.post(AGENTS, data)

            assert answer.status_code == (302 if action in allowed else 403), action
            done = AgentEvent.objects.filter(actor="admin:grace").exists()
            assert done == (action in allowed), action

    def test_anonymous_users_have_to_log_in(self, client: Client) -> None:
        AgentFactory.create(agent_id="a")

        response = client.post(AGENTS, {"action": "drain", "_selected_action": "a"})

        assert "Your session has ended." in response.content.decode()
        assert AgentRecord.objects.get().state == "active"
