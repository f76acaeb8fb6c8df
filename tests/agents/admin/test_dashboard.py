"""The dashboard: the fleet, the registry's health, permissions, and refreshing."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.dashboard import broker
from agents.admin.dashboard.health import in_bytes
from agents.models import ActivityMinute, AgentEvent, AgentRecord
from tests.agents.passing_time import fleet, heartbeats, time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

FRONT, OVERVIEW, CHARTS = "/admin/", "/admin/overview/", "/admin/overview/charts/"
AGENTS = "/admin/agents/agentrecord/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
Staff = Callable[..., Client]


@pytest.fixture(autouse=True)
def _clear_broker_cache() -> Iterator[None]:
    broker._check_in_background.cache_clear()
    yield
    broker._check_in_background.cache_clear()


def page(client: Client, url: str = FRONT) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def tiles(html: str) -> dict[str, tuple[str, str]]:
    """Return the tiles by name: their count and their link."""
    found = re.findall(
        r'<li class="card tile[^>]*> <a href="([^"]*)"[^>]*> <span class="tile-name">([^<]*)</span>'
        r' <span class="tile-count">([^<]*)</span>',
        html,
    )
    return {name: (count, unescape(url)) for url, name, count in found}


def parts(html: str) -> dict[str, tuple[str, str]]:
    """Return the parts of the registry by name: their status and the detail."""
    found = re.findall(
        r'<dt>([^<]*)</dt> <dd> <span class="agent-label[^>]*>([^<]*)</span>'
        r' <span class="health-detail">(.*?)</span>',
        html,
    )
    return {name: (word, re.sub("<[^>]*>", "", detail).strip()) for name, word, detail in found}


class TestFleet:
    @pytest.fixture
    def agents(self) -> None:
        fleet(4)
        fleet(2, silent_for=50)
        fleet(3, silent_for=3600)
        AgentFactory.create_batch(2, state="draining")
        AgentFactory.create(state="quarantined", expired=True)

    @pytest.mark.usefixtures("agents")
    def test_tiles_count_agents_by_lease_and_state(self, admin_client: Client) -> None:
        counts = {name: count for name, (count, _) in tiles(page(admin_client)).items()}

        assert counts == {
            "Alive": "8",
            "Expiring soon": "2",
            "Gone in the last 24 h": "4",
            "Draining": "2",
            "Quarantined": "1",
            "Total": "12",
        }

    @pytest.mark.usefixtures("agents")
    @pytest.mark.parametrize("name", ["Alive", "Expiring soon", "Draining", "Quarantined", "Total"])
    def test_a_tile_links_to_the_agents_it_counts(self, admin_client: Client, name: str) -> None:
        count, url = tiles(page(admin_client))[name]

        assert admin_client.get(url).context["cl"].result_count == int(count)

    def test_an_empty_registry_shows_where_agents_register(self, admin_client: Client) -> None:
        html = page(admin_client)

        assert tiles(html)["Total"][0] == "0"
        assert "/agents/register" in html
        assert "No events yet." in html

    def test_large_numbers_have_separators(self, admin_client: Client) -> None:
        fleet(1_234)

        assert tiles(page(admin_client))["Alive"][0] == "1,234"


class TestActivity:
    @pytest.fixture
    def minutes(self) -> datetime:
        now = timezone.now().replace(second=0, microsecond=0)
        for minutes, more in (
            (
                10,
                {
                    "registrations": 12,
                    "restarts": 9,
                    "expiries": 3,
                    "heartbeats": 4_567,
                    "alive": 50,
                },
            ),
            (7 * 60, {"deregistrations": 2, "heartbeats": 1_000_000, "alive": 53}),
            (3 * 24 * 60, {"expiries": 40, "alive": 13}),
        ):
            ActivityMinute.objects.create(minute=now - timedelta(minutes=minutes), **more)
        return now

    @pytest.mark.usefixtures("minutes")
    @pytest.mark.parametrize(
        ("span", "slots", "text"),
        [
            ("hour", 60, "In the last hour: 50 alive. 3 deaths, 9 restarts, 0 stopped."),
            (
                "day",
                96,
                "In the last 24 hours: 50 to 53 agents were alive. 3 deaths, 9 restarts, 2 st",
            ),
            (
                "week",
                84,
                "In the last 7 days: 13 to 53 agents were alive. 43 deaths, 9 restarts, 2 s",
            ),
            ("month", 90, "In the last 30 days: 13 to 53 agents were alive. 43 deaths, 9 restarts"),
            ("", 96, "In the last 24 hours: 50 to 53 agents"),
            ("century", 96, "In the last 24 hours: 50 to 53 agents"),
        ],
    )
    def test_a_chart_shows_the_living_over_a_chosen_time(
        self, admin_client: Client, span: str, slots: int, text: str
    ) -> None:
        for url in (FRONT, CHARTS):
            html = page(admin_client, f"{url}?span={span}")

            assert f'<desc id="living-text">{text}' in html
            assert html.count('<tr><th scope="row"><a href') == slots
            assert html.count('draggable="false"') == slots

    def test_a_slot_opens_the_history_of_its_time(
        self, admin_client: Client, minutes: datetime
    ) -> None:
        for agent_id, ago in (("before", 11), ("then", 10), ("after", 9)):
            at = minutes - timedelta(minutes=ago)
            AgentEvent.objects.create(agent_id=agent_id, kind="expired", at=at, actor="registry")

        html = page(admin_client, f"{FRONT}?span=hour")

        [url] = re.findall(r'<a href="([^"]*)" title="[^"]*: 50 alive; deaths 3;', html)
        events = admin_client.get(unescape(url)).context["cl"].queryset
        assert list(events.values_list("agent_id", flat=True)) == ["then"]

    def test_without_counts_the_number_of_living_agents_is_unknown(
        self, admin_client: Client
    ) -> None:
        html = page(admin_client)

        assert "The number of living agents is unknown." in html
        assert "living-edge" not in html


class TestTitle:
    def test_title_and_icon_tell_how_much_needs_attention(self, admin_client: Client) -> None:
        assert "<title>Overview" in page(admin_client)
        AgentFactory.create_batch(3, status="degraded")

        html = page(admin_client)

        assert "<title>(3) Overview" in html
        [url] = re.findall(r'<link rel="icon" id="icon" [^>]*href="([^"]*)"', html)
        icon = admin_client.get(url)
        assert icon["Content-Type"] == "image/svg+xml"
        assert ">3</text>" in icon.content.decode()

    @pytest.mark.parametrize(("count", "text"), [(0, "<svg"), (99, ">99<"), (54321, ">99+<")])
    def test_an_icon_has_a_number(self, admin_client: Client, count: int, text: str) -> None:
        html = admin_client.get(f"/admin/overview/icon/{count}.svg").content.decode()

        assert text in html
        assert ("<text" in html) is bool(count)

    def test_the_list_can_be_read_alone(self, admin_client: Client, staff: Staff) -> None:
        AgentFactory.create(agent_id="noisy", status="degraded")
        url = "/admin/overview/attention/"

        answer = admin_client.get(url)

        html = " ".join(answer.content.decode().split())
        assert 'id="attention"' in html
        assert 'data-concern="noisy degraded"' in html
        assert "tile" not in html
        assert admin_client.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
        assert "noisy" not in staff().get(url).content.decode()


class TestEvents:
    def test_the_newest_ten_events_link_to_agent_and_history(self, admin_client: Client) -> None:
        for number in range(12):
            leases.register(agent_id=f"agent-{number}", host="h", port=1)
        leases.set_state(agent_id="agent-5", state="draining", actor="admin:g", reason="moves")

        html = page(admin_client)

        assert html.count('<li id="event-') == 10
        assert "agent-11" in html
        assert "agent-2<" not in html
        assert f'href="{AGENTS}agent-5/change/"' in html
        assert 'href="/admin/agents/agentevent/?agent_id__exact=agent-5"' in html
        assert "moves, by admin:g" in html

    def test_events_of_the_registry_link_to_no_agent(self, admin_client: Client) -> None:
        AgentEvent.objects.create(kind="purge-forced", at=timezone.now(), actor="command")

        html = page(admin_client)

        assert "purge-forced</span> the registry" in html

    @pytest.mark.parametrize("text", [HOSTILE, "\u202edlrow", "w" * 256, "a\nb\r\nc"])
    def test_text_from_agents_and_users_is_escaped(self, admin_client: Client, text: str) -> None:
        AgentEvent.objects.create(
            agent_id=text[:255],
            kind="expired",
            reason=text,
            actor=text[:160],
            at=timezone.now(),
        )

        html = page(admin_client)

        assert "<script>alert" not in html
        assert "<img" not in html
        assert html.count('<li id="event-') == 1


class TestPermissions:
    def test_users_who_may_not_view_agents_see_no_numbers(self, staff: Staff) -> None:
        fleet(7)
        fleet(4_321, silent_for=3600)
        leases.purge_expired(force=True)
        client = staff()

        for url in (FRONT, OVERVIEW):
            html = page(client, url)
            assert tiles(html) == {}
            assert "4,321" not in html
            assert "living-svg" not in html
            assert parts(html)["Sweeper"][1].startswith("Last sweep")
            assert "fleet takes" not in html
            assert "Its file" not in html
        assert client.get(CHARTS).status_code == 403

    def test_users_who_may_not_view_events_see_none(self, staff: Staff) -> None:
        leases.register(agent_id="secret-agent", host="h", port=1)

        html = page(staff("view_agentrecord"))

        assert "secret-agent" not in html
        assert "Newest events" not in html
        assert tiles(html)["Alive"][0] == "1"

    def test_users_who_may_view_events_only_get_no_links_to_agents(self, staff: Staff) -> None:
        leases.register(agent_id="weather", host="h", port=1)

        html = page(staff("view_agentevent"))

        assert f"{AGENTS}weather/change/" not in html
        assert 'href="/admin/agents/agentevent/?agent_id__exact=weather"' in html

    @pytest.mark.parametrize("url", [FRONT, OVERVIEW, CHARTS])
    @pytest.mark.parametrize("is_known", [False, True])
    def test_the_dashboard_is_for_staff_only(
        self, client: Client, url: str, is_known: bool
    ) -> None:
        if is_known:
            client.force_login(User.objects.create_user("user"))

        answer = client.get(url)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")

    def test_the_admins_index_follows_the_permissions(
        self, staff: Staff, admin_client: Client
    ) -> None:
        assert "Access attempts" in page(admin_client)
        assert "You have no permission to view or edit anything." in page(staff())


class TestHealth:
    def test_all_parts_of_a_healthy_registry_are_well(self, admin_client: Client) -> None:
        fleet(2, silent_for=3600)
        leases.purge_expired()

        found = parts(page(admin_client))

        assert found["Sweeper"][0] == "on time"
        assert found["Sweeper"][1].startswith("2 purged, 0 held. Last sweep ")
        assert found["Worker"][0] == "running"
        assert found["Broker"] == ("up", "filesystem.")
        vendor = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
        assert found["Database"][1].startswith(f"{vendor}. ")
        assert re.search(r"Responded in under \d+ ms.$", found["Database"][1])

    def test_a_registry_that_has_just_started_is_not_overdue(self, admin_client: Client) -> None:
        html = page(admin_client)

        assert parts(html)["Sweeper"][0] == "starting"
        assert '<p class="visually-hidden" role="status"></p>' in html
        assert "Nothing needs attention." in html

    @pytest.mark.usefixtures("sweeps_are_due")
    def test_overdue_sweeps_with_the_broker_up_mean_that_the_worker_is_down(
        self, admin_client: Client
    ) -> None:
        leases.purge_expired()
        time_passes(3600)

        html = page(admin_client)

        assert parts(html)["Sweeper"][0] == "overdue"
        assert parts(html)["Worker"][0] == "down"
        assert "The worker is down, so nothing purges expired agents" in html
        assert 'role="status">Needs attention: 1, first the registry, sweep overdue</p>' in html

    @pytest.mark.usefixtures("sweeps_are_due")
    def test_a_registry_that_has_never_swept_shows_a_message(self, admin_client: Client) -> None:
        assert "there has been no sweep yet" in page(admin_client)

    @pytest.mark.usefixtures("sweeps_are_due", "redis_refuses")
    def test_with_the_broker_down_the_worker_is_unknown(self, admin_client: Client) -> None:
        html = page(admin_client)

        assert parts(html)["Broker"] == ("down", "redis: connection refused.")
        assert parts(html)["Worker"][0] == "unknown"
        assert "broker down</span>" in html
        assert "The broker is down, so nothing purges expired agents" in html

    def test_missing_folders_mean_that_the_broker_is_down(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = current_app.conf.broker_transport_options
        monkeypatch.setitem(options, "data_folder_out", "/nowhere/at/all")

        assert parts(page(admin_client))["Broker"][0] == "down"

    @pytest.mark.usefixtures("redis_is_silent")
    def test_pages_do_not_wait_for_a_silent_broker(self, admin_client: Client) -> None:
        began = time.monotonic()
        for _ in range(10):
            html = page(admin_client)

        assert time.monotonic() - began < 10 * broker.TIMEOUT_SECONDS
        assert parts(html)["Broker"] == ("down", "redis: no response in time.")

    @pytest.mark.usefixtures("redis_refuses")
    def test_the_brokers_password_is_not_shown(self, admin_client: Client) -> None:
        assert "hunter2" not in page(admin_client)

    @pytest.fixture
    def redis_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_broker(monkeypatch, "redis://:hunter2@127.0.0.1:1/0")

    @pytest.fixture
    def redis_is_silent(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            use_broker(monkeypatch, f"redis://127.0.0.1:{server.getsockname()[1]}/0")
            yield


def use_broker(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", url)
    monkeypatch.setitem(current_app.conf, "broker_transport", None)  # the URL decides


class TestRefreshing:
    def conditional_get(self, client: Client, url: str, tag: str) -> Any:
        return client.get(url, headers={"If-None-Match": tag})

    def test_the_page_names_its_live_regions_and_scripts(self, admin_client: Client) -> None:
        html = page(admin_client)

        assert f'<div id="overview" data-live="{OVERVIEW}" data-live-seconds="5">' in html
        assert f'data-live="{CHARTS}?span=day"' in html
        assert 'data-live-controls="overview activity"' in html
        for script in re.findall(r'<script [^>]*src="/static/([^"]*)"', html):
            assert finders.find(script)
        assert "agents/live.js" in html

    def test_unchanged_parts_are_not_sent_again(self, admin_client: Client) -> None:
        fleet(3)
        for url in (OVERVIEW, CHARTS):
            tag = admin_client.get(url)["ETag"]

            again = self.conditional_get(admin_client, url, tag)

            assert again.status_code == 304
            assert again.content == b""

    def test_the_etag_does_not_change_with_time_alone(self, admin_client: Client) -> None:
        leases.purge_expired()
        tag = admin_client.get(OVERVIEW)["ETag"]

        assert self.conditional_get(admin_client, OVERVIEW, tag).status_code == 304

    def test_a_refreshed_part_equals_that_of_the_page(self, admin_client: Client) -> None:
        fleet(3)
        tag = admin_client.get(OVERVIEW)["ETag"]
        fleet(2)

        answer = self.conditional_get(admin_client, OVERVIEW, tag)

        assert answer.status_code == 200
        html = " ".join(answer.content.decode().split())
        assert "<html" not in html
        assert tiles(html) == tiles(page(admin_client))
        assert tiles(html)["Alive"][0] == "5"

    @pytest.mark.parametrize("change", ["event", "sweep", "hold"])
    def test_every_part_changes_the_etag(self, admin_client: Client, change: str) -> None:
        fleet(14, silent_for=70)
        tag = admin_client.get(OVERVIEW)["ETag"]
        if change == "event":
            leases.set_state(
                agent_id=AgentRecord.objects.values_list("pk", flat=True)[0],
                state="draining",
                actor="admin:g",
            )
        elif change == "sweep":
            heartbeats()
            leases.purge_expired()
        else:
            assert leases.purge_expired().held == 14

        answer = self.conditional_get(admin_client, OVERVIEW, tag)

        assert answer.status_code == 200
        assert ("14 of 14 agents fell silent at once" in answer.content.decode()) is (
            change == "hold"
        )

    def test_a_new_minute_of_activity_is_sent(self, admin_client: Client) -> None:
        tag = admin_client.get(CHARTS)["ETag"]
        minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
        ActivityMinute.objects.create(minute=minute, heartbeats=12_345)

        answer = self.conditional_get(admin_client, CHARTS, tag)

        assert answer.status_code == 200
        assert "<strong>12,345</strong>" in answer.content.decode()

    def test_the_etag_depends_on_the_permissions(self, staff: Staff, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1)

        tag = admin_client.get(OVERVIEW)["ETag"]
        assert self.conditional_get(staff(), OVERVIEW, tag).status_code == 200

    @pytest.mark.parametrize("agents", [0, 300])
    def test_the_number_of_queries_does_not_grow_with_the_fleet(
        self,
        admin_client: Client,
        django_assert_max_num_queries: Callable[..., Any],
        agents: int,
    ) -> None:
        fleet(agents)
        leases.purge_expired()
        # The session, the user, the sweep, the database's size, the last count, the fleet, those
        # that died, those in trouble, the restless, the channels that fail, the mutes, the events.
        with django_assert_max_num_queries(12):
            admin_client.get(OVERVIEW)
        with django_assert_max_num_queries(4):
            admin_client.get(CHARTS)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.0 kB"), (385_000, "385 kB"), (9_960_000, "10 MB"), (1_230_000_000, "1.2 GB")],
)
def test_sizes_have_two_or_three_digits(size: int, text: str) -> None:
    assert in_bytes(size) == text
