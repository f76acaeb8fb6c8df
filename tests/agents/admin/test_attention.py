"""The overview lists what needs attention, worst first; operators mute it for a while."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.dashboard.attention import MOST_OF_A_PROBLEM
from agents.models import AgentEvent, Mute
from tests.agents.passing_time import fleet, time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

FRONT, OVERVIEW = "/admin/", "/admin/overview/"
MUTES = "/admin/agents/mute/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
Staff = Callable[..., Client]


def page(client: Client, url: str = FRONT) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def rows(html: str) -> list[tuple[str, str, str]]:
    """Return each row's worst problem, its agent, and the rest of its text."""
    found = re.findall(r'<li class="attention-row[^>]*>(.*?)</li>', html)
    return [_row(one) for one in found]


def _row(html: str) -> tuple[str, str, str]:
    texts = [text.strip() for text in re.sub("<[^>]*>", "|", html).split("|") if text.strip()]
    return texts[0], texts[1], " ".join(texts[2:])


def mute_url(html: str, agent_id: str) -> str:
    [url] = re.findall(rf'href="([^"]*)" aria-label="Mute {agent_id}"', html)
    return str(url)


def register(agent_id: str, times: int = 1) -> None:
    for _ in range(times):
        leases.register(agent_id=agent_id, host="node-4", port=8000)


def die(agent_id: str, actor: str = "sweep") -> None:
    register(agent_id)
    time_passes(100)
    assert leases.purge_one(agent_id=agent_id, actor=actor, reason="no heartbeat for 60 s")


class TestList:
    def test_when_all_is_well_one_line_says_so(self, admin_client: Client) -> None:
        fleet(3)
        AgentFactory.create(status="degraded", state="quarantined")
        register("stopped")
        leases.deregister(agent_id="stopped")

        html = page(admin_client)

        assert rows(html) == []
        assert "All is well" in html
        assert "Nothing needs attention." in html

    def test_the_worst_comes_first_with_its_reason_and_what_to_do(
        self, admin_client: Client
    ) -> None:
        die("gone")
        AgentFactory.create(agent_id="degraded", status="degraded", note="the disk is full")
        fleet(1, silent_for=50, prefix="waning")
        fleet(1, silent_for=70, prefix="expired")
        register("flapping", times=3)
        AgentEvent.objects.create(
            agent_id="twice",
            kind="refused",
            reason="the lease is held by generation 7",
            actor="agent",
            at=timezone.now(),
        )

        found = rows(page(admin_client))

        assert [word for word, *_ in found] == [
            "expired",
            "gone",
            "refused",
            "restarting",
            "degraded",
            "expiring soon",
        ]
        by_name = {name: text for _, name, text in found}
        assert by_name["gone"].startswith(
            "No heartbeat for 60 s, last on node-4 Look at its host and its log"
        )
        assert by_name["degraded"].startswith("The disk is full See its note.")
        assert by_name["flapping"].startswith("Registered 3 times in the last hour")
        assert by_name["twice"].startswith("The lease is held by generation 7 Stop one of two")
        assert all("Open" in text and "Mute…" in text for text in by_name.values())

    def test_an_agent_has_one_row_with_all_its_problems(self, admin_client: Client) -> None:
        register("weather-1", times=5)
        leases.renew(agent_id="weather-1", status="degraded", note="out of memory")

        [(word, name, text)] = rows(page(admin_client))

        assert (word, name) == ("restarting", "weather-1")
        assert "Registered 5 times in the last hour degraded Out of memory" in text

    def test_those_that_came_back_or_that_somebody_purged_are_not_listed(
        self, admin_client: Client
    ) -> None:
        die("purged", actor="admin:grace")
        die("back")
        register("back")

        assert rows(page(admin_client)) == []

    def test_what_happened_long_ago_is_not_listed(self, admin_client: Client) -> None:
        die("gone")
        register("restarted", times=4)
        leases.deregister(agent_id="restarted")
        time_passes(3600)
        assert [name for _, name, _ in rows(page(admin_client))] == ["gone"]

        time_passes(23 * 3600)

        assert rows(page(admin_client)) == []

    def test_many_alike_are_counted(self, admin_client: Client) -> None:
        AgentFactory.create_batch(MOST_OF_A_PROBLEM + 3, status="degraded")

        html = page(admin_client)

        found = rows(html)
        assert len(found) == MOST_OF_A_PROBLEM + 1
        assert found[-1] == ("degraded", "3 more like these", "Open all")
        assert f'data-attention="{MOST_OF_A_PROBLEM + 3}"' in html
        assert admin_client.get("/admin/agents/agentrecord/?condition=degraded").context[
            "cl"
        ].result_count == (MOST_OF_A_PROBLEM + 3)

    def test_a_held_purge_is_first_and_can_be_forced(self, admin_client: Client) -> None:
        fleet(14, silent_for=70)
        assert leases.purge_expired().held == 14

        html = page(admin_client)

        word, name, text = rows(html)[0]
        assert (word, name) == ("purge held", "The registry")
        assert text.startswith("14 of 14 agents fell silent at once")
        assert "14 expired agents are not listed" in text
        assert 'action="/admin/agents/agentrecord/purge-anyway/"' in html

    def test_text_from_agents_is_escaped(self, admin_client: Client) -> None:
        AgentFactory.create(status="degraded", note=HOSTILE)

        html = admin_client.get(FRONT).content.decode()

        assert "<script>alert" not in html
        assert "<img" not in html

    def test_a_large_fleet_shares_what_a_look_found(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.leases.fleet.last_count.LARGE", 5)
        fleet(5)
        AgentFactory.create(agent_id="degraded", status="degraded", note="the disk is full")
        page(admin_client)
        AgentFactory.create(agent_id="later", status="degraded")

        assert [name for _, name, _ in rows(page(admin_client))] == ["degraded"]
        time_passes(61)
        AgentFactory.create(agent_id="alive")

        assert "later" in [name for _, name, _ in rows(page(admin_client))]


class TestPermissions:
    def test_without_the_history_only_records_are_looked_at(self, staff: Staff) -> None:
        die("gone")
        AgentFactory.create(agent_id="degraded", status="degraded")

        html = page(staff("view_agentrecord"))

        assert [name for _, name, _ in rows(html)] == ["degraded"]
        assert "Mute…" not in html

    def test_without_agents_only_the_registrys_own_problems_are_listed(
        self, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))
        AgentFactory.create(status="degraded")

        assert [word for word, *_ in rows(page(staff("view_agentevent")))] == ["sweep overdue"]


class TestMuting:
    @pytest.fixture
    def degraded(self) -> None:
        AgentFactory.create(agent_id="noisy", status="degraded", note="slow")
        AgentFactory.create(agent_id="other", status="degraded")

    @pytest.fixture
    def operator(self, staff: Staff) -> Client:
        return staff("view_agentrecord", "view_agentevent", "change_agentrecord")

    @pytest.mark.usefixtures("degraded")
    def test_an_operator_mutes_a_problem_for_a_while(self, operator: Client) -> None:
        url = mute_url(page(operator), "noisy")
        assert "Mute noisy?" in page(operator, url)
        assert not Mute.objects.exists()

        answer = operator.post(url, {"hours": "8", "reason": "known bug"}, follow=True)

        assert [str(one) for one in answer.context["messages"]] == ["Muted: degraded of noisy."]
        html = page(operator)
        assert [name for _, name, _ in rows(html)] == ["other"]
        assert "1 muted" in html
        mute = Mute.objects.get()
        assert mute.until - mute.muted_at == timedelta(hours=8)
        assert mute.muted_by == "admin:grace"
        event = AgentEvent.objects.get(agent_id="noisy")
        assert (event.kind, event.reason) == ("muted", "degraded for 8 h: known bug")
        listed = page(operator, MUTES)
        assert "known bug" in listed
        assert "admin:grace" in listed

    @pytest.mark.usefixtures("degraded")
    def test_another_problem_of_the_agent_is_still_listed(self, operator: Client) -> None:
        operator.post(mute_url(page(operator), "noisy"), {"hours": "1"})
        register("noisy", times=4)

        [found] = [row for row in rows(page(operator)) if row[1] == "noisy"]

        assert found[0] == "restarting"
        assert "slow" not in found[2]

    @pytest.mark.usefixtures("degraded")
    def test_a_mute_ends_by_itself(self, operator: Client) -> None:
        operator.post(mute_url(page(operator), "noisy"), {"hours": "1"})

        Mute.objects.update(until=timezone.now())

        html = page(operator)
        assert {name for _, name, _ in rows(html)} == {"noisy", "other"}
        assert "1 muted" not in html
        assert "noisy" not in page(operator, MUTES)

    @pytest.mark.usefixtures("degraded")
    def test_a_mute_can_be_undone_once(self, operator: Client) -> None:
        operator.post(mute_url(page(operator), "noisy"), {"hours": "168"})
        [url] = re.findall(r'formaction="([^"]*)"', page(operator, MUTES))

        for text in ("Unmuted: degraded of noisy.", "That mute has already ended."):
            answer = operator.post(url, follow=True)
            assert [str(one) for one in answer.context["messages"]] == [text]

        assert "noisy" in {name for _, name, _ in rows(page(operator))}
        kinds = AgentEvent.objects.filter(agent_id="noisy").order_by("pk")
        assert list(kinds.values_list("kind", flat=True)) == ["muted", "unmuted"]

    def test_problems_of_the_registry_are_muted_too(
        self, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))

        operator.post(mute_url(page(operator), "The registry"), {"hours": "1"})

        assert rows(page(operator)) == []
        assert AgentEvent.objects.get().agent_id == ""

    @pytest.mark.parametrize(
        "query", ["", "agent=a", "agent=a&problem=nothing", "agent=a%00&problem=degraded"]
    )
    def test_what_is_no_problem_cannot_be_muted(self, operator: Client, query: str) -> None:
        answer = operator.post(f"{MUTES}add/?{query}", {"hours": "1"})

        assert answer.status_code == 302
        assert not Mute.objects.exists()

    @pytest.mark.parametrize("hours", ["", "0", "9999999", "-1"])
    def test_a_mute_needs_one_of_the_durations(self, operator: Client, hours: str) -> None:
        answer = operator.post(f"{MUTES}add/?agent=a&problem=degraded", {"hours": hours})

        assert answer.status_code == 200
        assert not Mute.objects.exists()

    @pytest.mark.usefixtures("degraded")
    def test_viewers_see_what_is_muted_but_may_not_change_it(
        self, staff: Staff, admin_client: Client
    ) -> None:
        url = mute_url(page(admin_client), "noisy")
        admin_client.post(url, {"hours": "1"})
        viewer = staff("view_agentrecord", "view_agentevent")

        html = page(viewer, MUTES)
        assert "noisy" in html
        assert "Unmute" not in html
        assert viewer.get(url).status_code == viewer.post(url, {"hours": "1"}).status_code == 403
        assert viewer.post(f"{MUTES}{Mute.objects.get().pk}/unmute/").status_code == 403

    def test_who_may_not_view_agents_sees_no_mutes(self, staff: Staff) -> None:
        assert staff("view_agentevent").get(MUTES).status_code == 403

    @pytest.mark.usefixtures("degraded")
    def test_reading_changes_nothing(self, operator: Client) -> None:
        operator.post(mute_url(page(operator), "noisy"), {"hours": "1"})
        url = f"{MUTES}{Mute.objects.get().pk}/unmute/"

        assert operator.get(url).status_code == 405
        assert Mute.objects.exists()


def test_a_refresh_without_changes_is_not_sent(admin_client: Client) -> None:
    AgentFactory.create(agent_id="noisy", status="degraded")
    fleet(2, silent_for=50)
    tag = admin_client.get(OVERVIEW)["ETag"]

    assert admin_client.get(OVERVIEW, headers={"If-None-Match": tag}).status_code == 304

    admin_client.post(mute_url(page(admin_client), "noisy"), {"hours": "1"})
    assert admin_client.get(OVERVIEW, headers={"If-None-Match": tag}).status_code == 200
