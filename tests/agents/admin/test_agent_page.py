"""One agent's page: record, condition, timeline, and the page of a removed agent."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.models import AgentEvent, AgentRecord, Uptime
from tests.agents.passing_time import time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
EVENTS = "/admin/agents/agentevent/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e"


def get(client: Client, agent_id: str = "a", part: str = "change") -> Any:
    response = client.get(f"{AGENTS}{agent_id}/{part}/")
    assert response.status_code == 200
    return response


def page(client: Client, agent_id: str = "a", part: str = "change") -> str:
    """Return the page's HTML, with each run of blanks as one."""
    return re.sub(r"\s+", " ", get(client, agent_id, part).content.decode())


def condition(html: str) -> str:
    """Return the sentence that describes the agent's condition."""
    [sentence] = re.findall(r'<p class="agent-condition[^>]*>(.*?)</p>', html)
    return re.sub(r"<[^>]+>", "", sentence).strip()


def event(kind: str, hours_ago: float, **more: Any) -> None:
    at = timezone.now() - timedelta(hours=hours_ago)
    AgentEvent.objects.create(**{"agent_id": "a", "kind": kind, "at": at, "actor": "agent"} | more)


class TestRecord:
    def test_the_page_shows_the_whole_record(self, admin_client: Client) -> None:
        agent = leases.register(
            agent_id="a",
            agent_name="Weather",
            host="2001:db8::7",
            port=8000,
            ttl_seconds=90,
            metadata={"model": {"name": "Köln-7b"}},
            version="1.2.3",
            tags=[f"tag-{number}" for number in range(10)],
            skills=["forecast"],
            address="192.0.2.7",
        ).agent
        leases.renew(agent_id="a", status="busy", load=0.5, note="n" * 256)

        html = page(admin_client)

        agent.refresh_from_db()
        for text in [
            "Weather",
            'href="http://[2001:db8::7]:8000"',
            "192.0.2.7",
            "1.2.3",
            "busy",
            "load 50%",
            "90 s",
            "heartbeat expected every 30 s",
            "n" * 256,
            f"{agent.expires_at:%Y-%m-%d %H:%M:%S UTC}",
            f"<dd>{agent.generation} ",
            f'href="{AGENTS}?tag=tag-9"',
            f'href="{AGENTS}?skill=forecast"',
            f'href="{AGENTS}?version=1.2.3"',
        ]:
            assert text in html

    @pytest.mark.parametrize(
        ("host", "seen", "differ"),
        [
            ("192.0.2.7", "192.0.2.8", True),
            ("192.0.2.7", "192.0.2.7", False),
            ("2001:DB8::7", "2001:db8:0::7", False),
            ("192.0.2.7", None, False),
            ("agents.example", "192.0.2.8", False),
        ],
    )
    def test_an_address_that_differs_from_the_advertised_one_is_pointed_out(
        self, admin_client: Client, host: str, seen: str | None, differ: bool
    ) -> None:
        AgentFactory.create(agent_id="a", host=host, seen_address=seen)

        assert ("Differs from the advertised address" in page(admin_client)) == differ

    def test_an_invalid_host_is_no_link(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", host="evil.example/x?@b")

        assert "http://evil" not in page(admin_client)

    def test_metadata_is_a_table_and_json(self, admin_client: Client) -> None:
        AgentFactory.create(
            agent_id="a", metadata={"model": {"name": "Köln-7b"}, "gpus": [1, None]}
        )

        html = page(admin_client)

        for text in [
            '<th scope="row" class="indent-0">model</th><td><span class="agent-quiet">1 key</span>',
            '<th scope="row" class="indent-1">name</th><td>Köln-7b</td>',
            '<th scope="row" class="indent-1">2</th><td>null</td>',
            "&quot;model&quot;: { &quot;name&quot;: &quot;Köln-7b&quot; }",
        ]:
            assert text in html

    def test_deeply_nested_metadata_is_readable(self, admin_client: Client) -> None:
        deep: Any = "the end" * 500
        for level in reversed(range(31)):
            deep = {f"level-{level}": deep}
        AgentFactory.create(agent_id="a", metadata=deep)

        html = page(admin_client)

        assert '<th scope="row" class="indent-6"><span class="agent-depth">level 31:</span>' in html
        assert f"<td>{'the end' * 500}</td>" in html

    def test_what_agents_send_is_escaped(self, admin_client: Client) -> None:
        card = {
            "name": HOSTILE,
            "description": HOSTILE,
            "supportedInterfaces": [{"url": "javascript:alert(3)", "protocolBinding": HOSTILE}],
            "skills": [{"id": HOSTILE, "name": HOSTILE}, HOSTILE, 7, None],
        }
        AgentFactory.create(
            agent_id="a",
            agent_name=HOSTILE,
            host=HOSTILE,
            note=HOSTILE,
            version=HOSTILE[:64],
            tags=[HOSTILE],
            skills=[HOSTILE],
            metadata={HOSTILE: [HOSTILE], "agent_card": card},
            state="draining",
        )
        event("drained", 1, actor=HOSTILE, reason=HOSTILE)
        event("expired", 2, actor=HOSTILE, reason=HOSTILE)

        for part in ["change", "now"]:
            html = page(admin_client, part=part)
            assert "&lt;script&gt;alert(1)" in html
            assert "<script>alert" not in html
            assert "<img src=x" not in html
            assert 'href="javascript' not in html

    def test_the_page_has_no_inline_scripts_or_styles(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", tags=["t"], metadata={"a": 1})
        event("expired", 2)

        html = page(admin_client)

        for forbidden in ["<style", "<script>", ' style="', ' onclick="']:
            assert forbidden not in html

    def test_nothing_can_be_edited(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert 'name="_save"' not in page(admin_client)
        assert admin_client.post(f"{AGENTS}a/change/", {"host": "evil"}).status_code == 403
        assert admin_client.get(f"{AGENTS}add/").status_code == 403
        assert admin_client.post(f"{AGENTS}a/delete/", {"post": "yes"}).status_code == 403
        assert AgentRecord.objects.get().host == "agents.example"

    def test_djangos_history_page_redirects_to_the_events(self, admin_client: Client) -> None:
        response = admin_client.get(f"{AGENTS}gone/history/")

        assert response["Location"] == f"{EVENTS}?agent_id__exact=gone"


class TestCard:
    def test_a_card_is_assembled_from_the_registration(self, admin_client: Client) -> None:
        AgentFactory.create(
            agent_id="a", skills=["forecast"], metadata={"description": "Tells the weather."}
        )

        html = page(admin_client)

        assert "Tells the weather." in html
        assert "<li>forecast</li>" in html
        assert 'href="http://agents.example:8000/.well-known/agent-card.json"' in html

    @pytest.mark.parametrize("inside", [True, False])
    def test_a_card_in_the_metadata_is_shown(self, admin_client: Client, inside: bool) -> None:
        card = {
            "name": "Echo",
            "description": "Echoes text",
            "supportedInterfaces": [
                {"url": "https://echo.example/a2a", "protocolBinding": "JSONRPC"}
            ],
            "skills": [{"id": "echo", "name": "Echoing", "description": "Returns its input"}],
        }
        AgentFactory.create(agent_id="a", metadata={"agent_card": card} if inside else card)

        html = page(admin_client)

        for text in ["<dd>Echo</dd>", "Echoes text", "Echoing", "Returns its input", "JSONRPC"]:
            assert text in html
        assert 'href="https://echo.example/a2a"' in html

    def test_the_card_that_came_with_the_registration_takes_precedence(
        self, admin_client: Client
    ) -> None:
        leases.register(
            agent_id="a",
            host="h",
            port=1,
            metadata={"agent_card": {"description": "Older"}},
            agent_card={"name": "Echo", "description": "Newer"},
        )

        html = page(admin_client)

        assert "Newer" in html
        assert "Older" not in html.partition("Metadata")[0]

    def test_the_page_shows_a_message_without_a_card(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert "No card is known" in page(admin_client)


class TestCondition:
    def test_the_condition_names_who_quarantined_the_agent_when_and_why(
        self, admin_client: Client
    ) -> None:
        leases.register(agent_id="a", host="h", port=1)
        leases.set_state(agent_id="a", state="quarantined", actor="admin:ada", reason="answers 7")
        time_passes(2)
        AgentRecord.objects.update(last_heartbeat=timezone.now())

        for part in ["change", "now"]:
            sentence = condition(page(admin_client, part=part))
            assert re.fullmatch(r"quarantined set by admin:ada [2-5] s ago: answers 7", sentence)

    def test_users_who_may_not_view_events_do_not_see_who_did_it(
        self, staff: Callable[..., Client]
    ) -> None:
        leases.register(agent_id="a", host="h", port=1)
        leases.set_state(agent_id="a", state="quarantined", actor="admin:ada", reason="secret")
        client = staff("view_agentrecord")

        for part in ["change", "now"]:
            html = page(client, part=part)
            assert condition(html) == "quarantined set by an operator"
            assert "secret" not in html
            assert "registered" not in html
            assert "Timeline" not in html

    def test_all_facts_are_shown(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", expired=True, status="degraded", note="the disk is full")

        html = page(admin_client)

        assert (
            condition(html) == "expired no heartbeat for 1 h, its lease of 1 min ended 59 min ago"
        )
        for text in [
            "Reported by the agent: the disk is full",
            "The registry does not probe agents",
        ]:
            assert text in html

    def test_the_lease_is_a_meter_with_words(self, admin_client: Client) -> None:
        last = timezone.now() - timedelta(seconds=10)
        AgentFactory.create(agent_id="a", ttl_seconds=3600, last_heartbeat=last)
        AgentFactory.create(agent_id="b", expired=True)

        alive, expired = page(admin_client), page(admin_client, "b")

        assert re.search(
            r'<meter class="lease-bar"[^>]* data-left="35\d\d\.\d+" data-ttl="3600"', alive
        )
        assert re.search(r"59 min [34]\d s left</span>", alive)
        assert re.search(r'value="0.0" data-left="0.0"', expired)
        assert "ended 59 min" in expired


class TestTimeline:
    def test_gaps_are_drawn_counted_and_listed(self, admin_client: Client) -> None:
        event("registered", 20)
        event("expired", 11, reason="no heartbeat for 60 s", actor="registry")
        event("purged", 10.9, actor="sweep")
        event("registered", 10)
        AgentFactory.create(agent_id="a", registered_at=timezone.now() - timedelta(hours=10))

        html = page(admin_client)

        assert html.count("<strong>95.00 %</strong>") + html.count("<strong>94.99 %</strong>") == 3
        assert html.count('<rect class="presence-gap"') == 3
        assert "<td>1 h</td>" in html or "<td>59 min 59 s</td>" in html
        assert "Expired: no heartbeat for 60 s" in html
        assert "alive of the 20 h that are known" in html

    def test_an_agent_without_a_gap_has_a_hundred_percent(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a", registered_at=timezone.now() - timedelta(days=40))

        response = get(admin_client)

        windows = response.context["timeline"].windows
        assert [(window.percent, window.known) for window in windows] == [("100 %", "")] * 3

    def test_a_gap_of_seconds_is_visible_on_a_bar_of_thirty_days(
        self, admin_client: Client
    ) -> None:
        event("registered", 24 * 40)
        event("deregistered", 24 * 15, actor="admin:ada", reason="moved")
        event("registered", 24 * 15 - 0.001)
        registered = timezone.now() - timedelta(hours=24 * 15 - 0.001)
        AgentFactory.create(agent_id="a", registered_at=registered)

        month = get(admin_client).context["timeline"].windows[-1]

        assert [shape.presence for shape in month.shapes] == ["alive", "gap", "alive"]
        assert month.percent == "99.99 %"
        assert sum(shape.width for shape in month.shapes) == 360

    def test_a_lease_that_ended_while_the_registry_was_down_is_no_gap(
        self, admin_client: Client
    ) -> None:
        now = timezone.now()
        AgentFactory.create(
            agent_id="a",
            registered_at=now - timedelta(days=40),
            last_heartbeat=now - timedelta(hours=2),
        )
        Uptime.objects.create(up_since=now - timedelta(seconds=1), seen_at=now)

        day = get(admin_client).context["timeline"].windows[0]

        assert [shape.presence for shape in day.shapes] == ["alive", "unknown", "gap"]
        assert day.share.percent > 99

    def test_only_the_newest_of_very_many_events_are_read(
        self, admin_client: Client, django_assert_num_queries: Any
    ) -> None:
        now = timezone.now()
        AgentFactory.create(agent_id="a", registered_at=now - timedelta(minutes=1))
        AgentEvent.objects.bulk_create(
            AgentEvent(agent_id="a", kind=kind, at=now - timedelta(minutes=minutes), actor="x")
            for minutes in range(1_500, 1, -1)
            for kind in ("registered", "expired")
        )

        # The session, the user, the agent, its events and card, the registry's uptime.
        with django_assert_num_queries(6):
            response = get(admin_client)

        assert "only those since" in response.content.decode()
        day = response.context["timeline"].windows[0]
        assert len(day.shapes) <= 360
        assert day.share.known < timedelta(minutes=1_100)

    def test_the_table_of_gaps_is_limited(self, admin_client: Client) -> None:
        for hours in range(140, 0, -2):
            event("registered", hours)
            event("deregistered", hours - 1)
        AgentFactory.create(agent_id="a")

        html = page(admin_client)

        assert "20 older gaps." in html


class TestNow:
    def test_now_returns_the_live_parts_of_the_page(self, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1)

        whole, now = page(admin_client), page(admin_client, part="now")

        assert f'id="agent-now" class="agent-now" data-live="{AGENTS}a/now/"' in whole
        assert '<section id="agent-now">' in now
        assert '<section id="agent-events">' in now
        assert "registered" in now
        assert "<html" not in now

    def test_an_unchanged_page_has_no_body(self, admin_client: Client) -> None:
        # An age in days stays as it is for the length of a test.
        last = timezone.now() - timedelta(days=3, hours=2, minutes=30)
        AgentFactory.create(agent_id="a", last_heartbeat=last)
        etag = get(admin_client, part="now")["ETag"]

        same = admin_client.get(f"{AGENTS}a/now/", headers={"If-None-Match": etag})
        AgentRecord.objects.update(note="something else")
        changed = admin_client.get(f"{AGENTS}a/now/", headers={"If-None-Match": etag})

        assert (same.status_code, same.content) == (304, b"")
        assert changed.status_code == 200

    def test_an_agent_removed_meanwhile_is_shown_as_gone(self, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1)
        leases.deregister(agent_id="a", actor="admin:ada", reason="a ghost")

        html = page(admin_client, part="now")

        assert "It was deregistered now, at" in html
        assert "by admin:ada: a ghost." in html

    def test_now_needs_the_permission_to_view_agents(self, staff: Callable[..., Client]) -> None:
        AgentFactory.create(agent_id="a")

        assert staff("view_agentevent").get(f"{AGENTS}a/now/").status_code == 403


class TestGone:
    def test_a_deregistered_agents_page_says_by_whom_and_why(self, admin_client: Client) -> None:
        leases.register(agent_id="a:1", host="h", port=1)
        leases.deregister(agent_id="a:1", actor="admin:ada", reason="a ghost")
        time_passes(7200)

        html = page(admin_client, "a_3A1")

        assert condition(html).startswith(
            "gone The agent has no record any more. It was deregistered 2 h ago, at"
        )
        assert condition(html).endswith("by admin:ada: a ghost.")
        assert f'href="{EVENTS}?agent_id__exact=a%3A1"' in html
        assert "Timeline" in html

    def test_the_last_record_stays_on_the_page(self, admin_client: Client) -> None:
        leases.register(
            agent_id="a", host="10.9.8.7", port=1, version="1.2.3", metadata={"region": "<eu>"}
        )
        leases.deregister(agent_id="a")

        html = page(admin_client)

        assert "Last record" in html
        for text in ("10.9.8.7", "1.2.3", "region", "&lt;eu&gt;"):
            assert text in html

    def test_a_purged_agents_page_says_when_its_lease_ended(self, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1)
        time_passes(3600)
        leases.purge_expired()

        sentence = condition(page(admin_client))

        assert "Its lease ended 59 min ago, at" in sentence
        assert "(no heartbeat for 60 s); it was purged now, at" in sentence
        assert sentence.endswith("by sweep.")

    def test_the_page_of_a_removed_agent_offers_no_operations(self, admin_client: Client) -> None:
        event("deregistered", 1)

        assert 'name="action"' not in page(admin_client)

    def test_an_unknown_id_redirects_to_the_list(self, admin_client: Client) -> None:
        response = admin_client.get(f"{AGENTS}never/change/", follow=True)

        assert response.redirect_chain == [(AGENTS, 302)]
        html = response.content.decode()
        assert "Agent never has no record and no history." in html

    def test_users_who_may_not_view_events_are_redirected_to_the_list(
        self, staff: Callable[..., Client]
    ) -> None:
        event("deregistered", 1)

        response = staff("view_agentrecord").get(f"{AGENTS}a/change/", follow=True)

        assert response.redirect_chain == [(AGENTS, 302)]
        assert "Agent a has no record." in response.content.decode()


class TestQueries:
    @pytest.mark.parametrize("registrations", [1, 60])
    def test_the_number_of_queries_does_not_grow_with_the_history(
        self, admin_client: Client, django_assert_num_queries: Any, registrations: int
    ) -> None:
        for _ in range(registrations):
            leases.register(agent_id="a", host="h", port=1)
        leases.set_state(agent_id="a", state="draining", actor="admin:ada")

        # The session, the user, the agent, its events and card, the registry's uptime.
        with django_assert_num_queries(6):
            page(admin_client)
        # The session, the user, the agent, its newest events, who drained it.
        with django_assert_num_queries(5):
            page(admin_client, part="now")

    def test_the_page_shows_the_newest_events_and_links_to_all(self, admin_client: Client) -> None:
        for _ in range(25):
            leases.register(agent_id="a", host="h", port=1)
        leases.register(agent_id="b", host="h", port=1)

        response = get(admin_client)

        newest = AgentEvent.objects.filter(agent_id="a").order_by("-pk")[:20]
        events = response.context["events"]
        assert [event.pk for event in events] == [event.pk for event in newest]
        assert f'href="{EVENTS}?agent_id__exact=a"' in response.content.decode()


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("10.0.0.7", 8000, "http://10.0.0.7:8000"),
        ("agents.example", 443, "https://agents.example:443"),
        ("2001:db8::7", 8000, "http://[2001:db8::7]:8000"),
        ("agent_1", 80, "http://agent_1:80"),
    ],
)
def test_an_address_is_a_link_without_a_referrer(
    admin_client: Client, host: str, port: int, url: str
) -> None:
    AgentFactory.create(agent_id="a", host=host, port=port)

    assert f'<a href="{url}" rel="noreferrer">' in page(admin_client)


@pytest.mark.parametrize(
    "host",
    [
        HOSTILE,
        "a/b",
        "user@host",
        "javascript:alert(1)",
        "fe80::1%eth0",
        "",
        "a b",
        "-a",
        "evil.example#",
        "evil.example?",
        "a\\b",
        "h" * 256,
        "\u202eevil",
    ],
)
def test_an_invalid_host_is_no_link(admin_client: Client, host: str) -> None:
    AgentFactory.create(agent_id="a", host=host)

    html = page(admin_client)
    assert re.search(r"<dt>Advertised address</dt><dd>(?!<a)", html)


def test_registrations_of_two_weeks_are_compared(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    for days in (20, 8, 3, 2, 1):
        AgentEvent.objects.create(
            agent_id="a",
            kind=AgentEvent.Kind.RE_REGISTERED,
            actor="agent",
            at=timezone.now() - timedelta(days=days),
        )
    assert (
        "Registered <strong>3 times</strong> in the last 7 days, 1 time in the 7 days before."
        in page(admin_client)
    )
