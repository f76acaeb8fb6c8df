"""The history: list, search, pages, time limit, export."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from agents import leases
from agents.admin.events import model_admin
from agents.admin.widgets.paging import CappedPaginator
from agents.database.base import TakesTooLong
from agents.database.dialect import dialect
from agents.models import AgentEvent

pytestmark = pytest.mark.django_db

EVENTS = "/admin/agents/agentevent/"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def event(agent_id: str = "a", kind: str = "registered", **more: Any) -> AgentEvent:
    fields = {"agent_id": agent_id, "kind": kind, "at": NOW, "actor": "agent"} | more
    return AgentEvent.objects.create(**fields)


def many(count: int, **more: Any) -> None:
    fields = {"agent_id": "many", "kind": "registered", "at": NOW, "actor": "agent"} | more
    AgentEvent.objects.bulk_create(AgentEvent(**fields) for _ in range(count))


def page(client: Client, **query: str) -> str:
    response = client.get(EVENTS, query)
    assert response.status_code == 200
    return response.content.decode()


def found(client: Client, **query: str) -> list[str]:
    """Return the agent ids of the events found, in the order of the list."""
    response = client.get(EVENTS, query)
    assert response.status_code == 200
    return [event.agent_id for event in response.context["cl"].result_list]


def exported(client: Client, **query: str) -> list[list[str]]:
    response = client.get(f"{EVENTS}export/csv/", query)
    assert response.status_code == 200
    text = b"".join(response).decode()
    return list(csv.reader(text.splitlines()))


class TestList:
    def test_the_list_includes_removed_agents_newest_first(self, admin_client: Client) -> None:
        leases.register(agent_id="a", host="h", port=1, address="192.0.2.7")
        leases.deregister(agent_id="a", reason="work is done")
        leases.register(agent_id="b", host="h", port=1)

        response = admin_client.get(EVENTS, {"agent_id__exact": "a"})

        events = response.context["cl"].result_list
        assert [event.kind for event in events] == ["deregistered", "registered"]
        html = response.content.decode()
        for text in ["History of a", "work is done", "192.0.2.7"]:
            assert text in html
        assert 'href="/admin/agents/agentrecord/a/change/"' in html

    def test_events_cannot_be_changed(self, admin_client: Client) -> None:
        pk = event().pk

        assert admin_client.get(f"{EVENTS}{pk}/change/").status_code == 200
        assert admin_client.post(f"{EVENTS}{pk}/change/", {}).status_code == 403
        assert admin_client.post(f"{EVENTS}{pk}/delete/", {}).status_code == 403
        assert admin_client.get(f"{EVENTS}add/").status_code == 403
        assert 'name="action"' not in page(admin_client)

    def test_the_list_can_be_sorted_by_time(self, admin_client: Client) -> None:
        event("earlier", at=NOW - timedelta(days=1))
        event("later", at=NOW)
        event("earliest", at=NOW - timedelta(days=2))

        assert found(admin_client) == ["earliest", "later", "earlier"]
        assert found(admin_client, o="0") == ["earliest", "earlier", "later"]
        assert found(admin_client, o="-0") == ["later", "earlier", "earliest"]

    @pytest.mark.parametrize("count", [1, 300])
    def test_the_number_of_queries_is_constant(
        self, admin_client: Client, django_assert_max_num_queries: Any, count: int
    ) -> None:
        many(count)

        # The session, the user, the count, the events; on PostgreSQL also the time limit, in a
        # savepoint, since a test is a transaction.
        with django_assert_max_num_queries(4 if connection.vendor == "sqlite" else 7):
            page(admin_client)

    def test_events_and_search_terms_are_escaped(self, admin_client: Client) -> None:
        event(actor=HOSTILE, reason=HOSTILE)

        html = page(admin_client, why="alert", agent="", by="<script>alert")

        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html
        for forbidden in ["<style", "<script>", ' style="', ' onclick="']:
            assert forbidden not in html

    def test_the_list_needs_the_permission_to_view_events(
        self, staff: Callable[..., Client]
    ) -> None:
        client = staff("view_agentrecord")

        assert client.get(EVENTS).status_code == 403
        assert client.get(f"{EVENTS}export/csv/").status_code == 403


class TestSearch:
    @pytest.fixture(autouse=True)
    def _history(self) -> None:
        event("weather-1", at=NOW - timedelta(days=9), generation=7)
        event("weather-2", "expired", actor="registry", reason="no heartbeat for 60 s")
        event("Weather-3", "drained", actor="admin:grace", reason="update, 100% sure")
        event("billing-1", "purged", actor="admin:ada")
        event("x_y", actor="token:abc", generation=2**63 - 1)

    def test_reasons_are_found_in_any_case(self, admin_client: Client) -> None:
        event("a", reason="Обновление")

        assert found(admin_client, why="обновление") == ["a"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"agent": "weather-"}, ["weather-2", "weather-1"]),
            ({"agent": "weather-1"}, ["weather-1"]),
            ({"agent_id__exact": "weather-1"}, ["weather-1"]),
            ({"agent_id__exact": "weather-"}, []),
            ({"agent": "eather"}, []),
            ({"agent": "x%"}, []),
            ({"agent": "x_"}, ["x_y"]),
            ({"agent": " billing "}, ["billing-1"]),
            ({"by": "admin:"}, ["billing-1", "Weather-3"]),
            ({"by": "admin:gr"}, ["Weather-3"]),
            ({"by": "ADMIN:"}, []),
            ({"by": "token:abc"}, ["x_y"]),
            ({"why": "HEARTBEAT"}, ["weather-2"]),
            ({"why": "100%"}, ["Weather-3"]),
            ({"why": "nowhere"}, []),
            ({"lease": "7"}, ["weather-1"]),
            ({"lease": str(2**63 - 1)}, ["x_y"]),
            ({"lease": str(2**63)}, []),
            ({"lease": "-1"}, []),
            ({"since": "2026-11-28"}, ["x_y", "billing-1", "Weather-3", "weather-2"]),
            ({"until": "2026-11-19"}, ["weather-1"]),
            ({"until": "2026-11-18"}, []),
            ({"since": "2026-11-19", "until": "2026-11-19"}, ["weather-1"]),
            ({"kind__exact": "drained"}, ["Weather-3"]),
            ({"at__gte": "2026-11-28 00:00:00+00:00", "kind__exact": "purged"}, ["billing-1"]),
            ({"agent": "weather-", "why": "heartbeat", "by": "registry"}, ["weather-2"]),
            ({"agent": "weather-", "by": "admin:"}, []),
        ],
    )
    def test_events_are_found(
        self, admin_client: Client, query: dict[str, str], expected: list[str]
    ) -> None:
        assert found(admin_client, **query) == expected

    @pytest.mark.parametrize("name", ["agent", "by", "why"])
    @pytest.mark.parametrize("text", ["a\0b", "\U0010ffff", "'", "\\", "x" * 60_000, "\u202e"])
    def test_impossible_text_finds_nothing(
        self, admin_client: Client, name: str, text: str
    ) -> None:
        assert found(admin_client, **{name: text}) == []

    @pytest.mark.parametrize(
        "query",
        [
            {"lease": "seven"},
            {"lease": "7\0"},
            {"since": "yesterday"},
            {"until": "9999-12-31"},
            {"until": "2026-02-30"},
        ],
    )
    def test_invalid_numbers_and_dates_are_no_server_error(
        self, admin_client: Client, query: dict[str, str]
    ) -> None:
        assert admin_client.get(EVENTS, query).status_code in {200, 302}

    @pytest.mark.parametrize("since", ["2026-11-28", "2026-11-28 00:00:00", "2026-11-28T00:00Z"])
    def test_times_without_a_zone_are_in_utc(self, admin_client: Client, since: str) -> None:
        with timezone.override("America/New_York"):
            assert len(found(admin_client, at__gte=since)) == 4
            assert len(found(admin_client, at__lt=since)) == 1
            assert len(exported(admin_client, at__lt=since)) == 2

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({"at__gte": "yesterday"}, "“yesterday” value has an invalid format"),
            ({"at__lt": "2026-02-30"}, "“2026-02-30” value has the correct format"),
            ({"since": "yesterday"}, "“yesterday” cannot be used as “from”"),
            ({"lease": "seven"}, "“seven” cannot be used as “generation”"),
            ({"at__gte": "0001-01-01T00:00+23:59"}, "is too early or too late for a date"),
            ({"at__exact": "9999-12-31T23:59-23:59"}, "is too early or too late for a date"),
        ],
    )
    @pytest.mark.parametrize("path", [EVENTS, f"{EVENTS}export/csv/"])
    def test_a_search_that_cannot_be_used_is_explained(
        self, admin_client: Client, path: str, query: dict[str, str], problem: str
    ) -> None:
        response = admin_client.get(path, query, follow=True)

        assert response.redirect_chain == [(f"{EVENTS}?e=1", 302)]
        [message] = response.context["messages"]
        assert message.level_tag == "error"
        assert problem in str(message)

    def test_the_form_keeps_its_values_and_the_filters(self, admin_client: Client) -> None:
        html = page(admin_client, agent="weather-", kind__exact="expired")

        assert 'name="agent" value="weather-"' in html
        assert '<input type="hidden" name="kind__exact" value="expired">' in html
        assert 'href="?agent=weather-&amp;kind__exact=purged"' in html.replace("&amp;p=1", "")

    def test_other_lookups_are_refused(self, admin_client: Client) -> None:
        for lookup, value in {"address__exact": "no address", "generation__regex": "["}.items():
            assert admin_client.get(EVENTS, {lookup: value}).status_code == 400


class TestPages:
    def test_events_beyond_the_last_page_are_mentioned_but_not_counted(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CappedPaginator, "MOST", 200)
        many(201)

        html = page(admin_client)
        last = admin_client.get(EVENTS, {"p": "2"}).context["cl"].result_list

        assert "more than 200 events" in html
        assert len(last) == 100
        assert admin_client.get(EVENTS, {"p": "3"}).status_code == 302

    def test_the_count_is_exact_up_to_the_last_page(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CappedPaginator, "MOST", 200)
        many(200)

        assert "200 events" in page(admin_client)
        assert "more than" not in page(admin_client)


class TestTime:
    def test_a_search_that_takes_too_long_is_stopped(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many(20_000, reason="no heartbeat for 60 s")
        monkeypatch.setattr(model_admin, "MAX_SECONDS", 0.0)

        response = admin_client.get(EVENTS, {"why": "nowhere"})

        assert response.status_code == 503
        html = response.content.decode()
        assert "The search was stopped after" in html
        assert 'name="why" value="nowhere"' in html
        # The connection is usable again.
        monkeypatch.undo()
        assert found(admin_client, why="nowhere") == []

    def test_other_database_errors_are_raised(self) -> None:
        with (
            pytest.raises(DatabaseError, match="nothing_at_all"),
            dialect.time_limit(5),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT * FROM nothing_at_all")

    def test_the_time_limit_ends_with_its_block(self) -> None:
        slow = "SELECT PG_SLEEP(0.05)"
        if connection.vendor == "sqlite":
            slow = (
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
                " SELECT MAX(i) FROM n"
            )
        with connection.cursor() as cursor:
            with pytest.raises(TakesTooLong), dialect.time_limit(0.01):
                cursor.execute(slow)
            cursor.execute(slow)
            assert cursor.fetchone()


class TestExport:
    def test_matching_events_are_exported_newest_first(self, admin_client: Client) -> None:
        event("b", reason="not this")
        event("a", generation=3, address="192.0.2.7")
        event("a", "expired", actor="registry", reason='said "no", twice')

        lines = exported(admin_client, agent="a")

        assert lines == [
            ["at", "agent_id", "kind", "reason", "actor", "address", "generation"],
            [NOW.isoformat(), "a", "expired", 'said "no", twice', "registry", "", ""],
            [NOW.isoformat(), "a", "registered", "", "agent", "192.0.2.7", "3"],
        ]

    def test_no_event_is_missed_or_repeated_between_chunks(self, admin_client: Client) -> None:
        many(4_001)
        AgentEvent.objects.filter(agent_id="many").update(generation=None)

        assert len(exported(admin_client)) == 4_002

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1"])
    def test_no_cell_is_a_formula(self, admin_client: Client, text: str) -> None:
        event(reason=text)

        assert exported(admin_client)[1][3] == f"'{text}"

    def test_an_invalid_search_redirects_to_the_list(self, admin_client: Client) -> None:
        response = admin_client.get(f"{EVENTS}export/csv/", {"since": "never"})

        assert response["Location"] == f"{EVENTS}?e=1"

    def test_the_list_links_to_the_export_of_its_filters(self, admin_client: Client) -> None:
        event()

        assert 'href="export/csv/?agent=a&amp;by=agent"' in page(
            admin_client, agent="a", by="agent"
        )


def test_the_list_is_in_order_of_insertion_not_of_time(admin_client: Client) -> None:
    event("recorded last", at=timezone.now() - timedelta(days=1))

    assert found(admin_client)[0] == "recorded last"
