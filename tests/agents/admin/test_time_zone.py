"""Times in the viewer's zone on pages, and in UTC in whatever is kept or exported."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.dashboard.charts import Chart
from agents.admin.dashboard.spans import SPANS
from agents.admin.widgets.times import exact
from agents.history.activity import Bucket
from agents.models import AgentEvent, Channel
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
EVENTS = "/admin/agents/agentevent/"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = f'<time datetime="{NOON.isoformat()}" title="2026-06-01 12:00:00 UTC">'
BERLIN += "2026-06-01 14:00:00 CEST</time>"


def page(client: Client, url: str, zone: str = "Europe/Berlin") -> str:
    client.cookies["time_zone"] = zone
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def event(at: datetime = NOON) -> AgentEvent:
    return AgentEvent.objects.create(at=at, agent_id="a", kind="registered", actor="agent")


@pytest.mark.parametrize("url", [EVENTS, f"{AGENTS}a/change/"])
def test_pages_show_the_zone_of_the_cookie_and_utc_on_hover(admin_client: Client, url: str) -> None:
    AgentFactory.create(agent_id="a", registered_at=NOON)
    event()

    html = page(admin_client, url)

    assert BERLIN in html
    assert "Times are in Europe/Berlin (UTC+0" in html


@pytest.mark.parametrize("cookie", ["", "UTC", "Europe/Atlantis", "../../etc/passwd", "Etc/", '"'])
def test_without_a_known_zone_times_are_in_utc(admin_client: Client, cookie: str) -> None:
    event()

    html = page(admin_client, EVENTS, cookie)

    assert ">2026-06-01 12:00:00 UTC</time>" in html
    assert "Times are in UTC." in html


def test_the_zone_ends_with_its_request(admin_client: Client) -> None:
    page(admin_client, EVENTS)

    assert exact(NOON) == exact(NOON).replace("CEST", "UTC")


def test_an_unchanged_overview_is_sent_again_in_another_zone(admin_client: Client) -> None:
    admin_client.cookies["time_zone"] = "Europe/Berlin"
    etag = admin_client.get("/admin/overview/charts/")["ETag"]

    admin_client.cookies["time_zone"] = "Asia/Tokyo"

    assert admin_client.get("/admin/overview/charts/", headers={"If-None-Match": etag}).content


def test_the_reason_of_an_extension_is_kept_in_utc(admin_client: Client) -> None:
    agent = AgentFactory.create(agent_id="a")
    admin_client.cookies["time_zone"] = "Asia/Tokyo"

    admin_client.post(
        AGENTS, {"action": "extend", "_selected_action": agent.pk, "confirmed": "yes"}
    )

    assert AgentEvent.objects.get(kind="extended").reason.endswith(" UTC")


def test_a_mute_is_shown_in_the_zone_and_logged_in_utc(admin_client: Client) -> None:
    channel = Channel.objects.create(
        name="ops", kind="webhook", created_at=timezone.now(), created_by="admin:grace"
    )
    admin_client.cookies["time_zone"] = "Asia/Tokyo"

    answer = admin_client.post(
        f"/admin/agents/channel/{channel.pk}/mute/", {"hours": "1"}, follow=True
    )

    assert re.search(r"Muted until <time .*? JST</time>\.", answer.content.decode())
    assert LogEntry.objects.get().change_message.endswith(" UTC.")


def test_a_channel_is_muted_until_a_time_in_the_zone(admin_client: Client) -> None:
    channel = Channel.objects.create(
        name="ops", kind="apprise", created_at=timezone.now(), created_by="admin:grace"
    )
    admin_client.cookies["time_zone"] = "Asia/Tokyo"
    typed = {"name": "ops", "kind": "apprise", "is_enabled": "on"}
    typed |= {"muted_until_0": "2036-06-01", "muted_until_1": "21:00:00"}

    admin_client.post(f"/admin/agents/channel/{channel.pk}/change/", typed)

    channel.refresh_from_db()
    assert channel.muted_until == datetime(2036, 6, 1, 12, tzinfo=UTC)
    assert 'value="21:00:00"' in page(
        admin_client, f"/admin/agents/channel/{channel.pk}/change/", "Asia/Tokyo"
    )


def test_a_day_of_the_history_is_one_of_the_zone(admin_client: Client) -> None:
    event(datetime(2026, 6, 1, 23, tzinfo=UTC))

    assert "registered</td>" in page(admin_client, f"{EVENTS}?since=2026-06-02")
    assert "registered</td>" not in page(admin_client, f"{EVENTS}?since=2026-06-02", "UTC")


@pytest.mark.parametrize("url", [f"{EVENTS}export/csv/", f"{AGENTS}export/csv/"])
def test_exports_are_in_utc(admin_client: Client, url: str) -> None:
    AgentFactory.create(agent_id="a", registered_at=NOON)
    event()
    admin_client.cookies["time_zone"] = "Europe/Berlin"

    exported = b"".join(admin_client.get(url)).decode()

    assert "2026-06-01T12:00:00" in exported
    assert "14:00:00" not in exported


def test_the_end_of_an_agent_is_told_in_the_zone(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    leases.deregister(agent_id="a", actor="admin:<grace>", reason="<i>old</i>")

    html = page(admin_client, f"{AGENTS}a/change/", "Asia/Tokyo")

    end = r"It was deregistered [^,]*, at <time [^>]*>[^<]* JST</time>, by admin:&lt;grace&gt;"
    assert re.search(f"{end}: &lt;i&gt;old&lt;/i&gt;", html)


def test_round_times_of_the_zone_are_labelled() -> None:
    span = SPANS["day"]
    chart = Chart(span, [Bucket(NOON + place * span.slot) for place in range(span.number)])

    with timezone.override("Asia/Kathmandu"):
        labels = re.findall(r'class="chart-time"[^>]*>([^<]*)<', chart.svg)

    assert labels == ["20:00", "00:00", "04:00", "08:00", "12:00", "16:00"]


def test_pages_of_django_show_the_zone_too(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    channel = Channel.objects.create(
        name="ops", kind="webhook", created_at=timezone.now(), created_by="admin:grace"
    )
    admin_client.post(f"/admin/agents/channel/{channel.pk}/mute/", {"hours": "0"})

    assert " JST" in page(
        admin_client, f"/admin/agents/channel/{channel.pk}/history/", "Asia/Tokyo"
    )
