"""Sorting, sparse fields and cursors of ``GET /agents``."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cmp_to_key
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from agents.discovery.sorting import KEYS, ORDERS
from agents.models import AgentRecord
from agents.serializers.agent import FIELDS
from tests.agents.conftest import Register
from tests.agents.discovery.listing import listed, next_page, refused, url
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
TIMES = st.sampled_from(
    [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(milliseconds=500), NOW - timedelta(1)]
)
AGENTS = st.fixed_dictionaries(
    {
        "agent_name": st.sampled_from(["a", "b", "ab"]),
        "host": st.sampled_from(["h", "i"]),
        "ttl_seconds": st.sampled_from([60, 61, 86_400]),
        "load": st.sampled_from([None, 0.0, 0.1, 0.1 + 2**-56, 1.0]),
        "last_heartbeat": TIMES,
        "registered_at": TIMES,
    }
)
SORTS = st.lists(st.sampled_from(ORDERS), max_size=4)


def pages(api: APIClient, between: Callable[[], object] = lambda: None, **query: Any) -> list[Any]:
    """Read all pages, calling a function after each."""
    found: list[Any] = []
    page: str | None = url(include_dead=1, **query)
    while page is not None:
        answer = api.get(page)
        assert answer.status_code == 200, answer.content
        found += answer.json()
        page = next_page(answer)
        between()
    return found


def compare(sort: list[str], one: Any, other: Any) -> int:
    for name in [*sort, "agent_id"]:
        field, sign = name.removeprefix("-"), -1 if name.startswith("-") else 1
        a, b = one[field], other[field]
        if field == "load" and a != b and None in (a, b):
            return 1 if a is None else -1  # unknown loads come last, whatever the direction
        if a != b:
            return sign if a > b else -sign
    return 0


class TestAnyFleet(TestCase):
    @settings(max_examples=40)
    @given(st.lists(AGENTS, max_size=8), SORTS, st.integers(1, 4))
    def test_pages_are_in_order_and_have_every_agent_once(
        self, agents: list[dict[str, Any]], sort: list[str], limit: int
    ) -> None:
        for number, agent in enumerate(agents):
            AgentFactory.create(agent_id=f"a{number}", **agent)

        found = pages(APIClient(), sort=",".join(sort), limit=limit)

        # As the API writes them, times of whole seconds are shorter, and would be compared as text.
        records = AgentRecord.objects.in_bulk()
        values = [{name: getattr(records[one["agent_id"]], name) for name in KEYS} for one in found]
        expected = sorted(values, key=cmp_to_key(lambda one, other: compare(sort, one, other)))
        assert [one["agent_id"] for one in values] == [one["agent_id"] for one in expected]
        assert len({one["agent_id"] for one in found}) == len(found) == len(agents)

    @settings(max_examples=25)
    @given(
        st.lists(AGENTS, min_size=4, max_size=8),
        SORTS,
        st.lists(st.tuples(st.sampled_from(["add", "delete", "expire"]), AGENTS), max_size=8),
    )
    def test_what_comes_and_goes_between_pages_makes_no_other_agent_missed_or_repeated(
        self, agents: list[dict[str, Any]], sort: list[str], changes: list[Any]
    ) -> None:
        kept = [f"k{number}" for number in range(len(agents))]
        for agent_id, agent in zip(kept, agents, strict=True):
            AgentFactory.create(agent_id=agent_id, **agent)
        for number, (_, agent) in enumerate(changes):
            AgentFactory.create(agent_id=f"g{number}", **agent)
        rest = list(enumerate(changes))

        def change() -> None:
            if rest:
                number, (what, agent) = rest.pop()
                going = AgentRecord.objects.filter(pk=f"g{number}")
                if what == "add":
                    AgentFactory.create(agent_id=f"n{number}", **agent)
                elif what == "delete":
                    going.delete()
                else:
                    going.update(last_heartbeat=F("last_heartbeat") - timedelta(days=9))

        found = [one["agent_id"] for one in pages(APIClient(), change, sort=sort, limit=2)]

        assert sorted(one for one in found if one.startswith("k")) == kept
        moved = {f"g{number}" for number, (what, _) in enumerate(changes) if what == "expire"}
        once = [one for one in found if one not in moved]
        assert len(once) == len(set(once))


def test_heartbeats_between_pages_do_not_disturb_an_order_without_their_fields(
    api: APIClient,
) -> None:
    for number in range(6):
        AgentFactory.create(agent_id=f"a{number}", host=f"h{number % 2}")

    found = pages(
        api,
        lambda: AgentRecord.objects.update(last_heartbeat=timezone.now(), load=0.5),
        sort="-host,registered_at",
        limit=1,
    )

    assert [one["agent_id"] for one in found] == ["a1", "a3", "a5", "a0", "a2", "a4"]


def test_agents_are_sorted_by_several_fields(api: APIClient) -> None:
    for agent_id, host, load in [
        ("a", "x", 0.5),
        ("b", "y", 0.1),
        ("c", "x", 0.9),
        ("d", "y", None),
    ]:
        AgentFactory.create(agent_id=agent_id, host=host, load=load)

    assert listed(api, sort="host,-load") == ["c", "a", "b", "d"]
    assert listed(api, sort=["-host", "load"]) == ["b", "d", "a", "c"]
    assert listed(api, sort="load") == ["b", "a", "c", "d"]
    assert listed(api, sort="-load") == ["c", "a", "b", "d"]
    assert listed(api, sort="-agent_id,host") == ["d", "c", "b", "a"]
    assert listed(api, sort="host,-host,host") == ["a", "c", "b", "d"]


def test_a_browser_gets_the_same_pages(api: APIClient) -> None:
    for number in range(5):
        AgentFactory.create(agent_id=f"a{number}", load=number / 10)
    html = {"Accept": "text/html"}

    for sort in ("-load", "expires_at", "agent_id"):
        page = url(sort=sort, limit=2, fields="agent_id")
        assert next_page(api.get(page, headers=html)) == next_page(api.get(page))
    first = api.get(url(sort="-load", limit=2, fields="agent_id"), headers=html).content.decode()
    assert "&quot;a4&quot;" in first
    assert "&quot;a2&quot;" not in first
    assert "agent_name" not in first.partition("response-info")[2]


def test_only_the_fields_asked_for_are_sent(api: APIClient) -> None:
    AgentFactory.create(agent_id="a", load=0.5)

    for query in ({"fields": "load,agent_id"}, {"fields": ["agent_id", "load", "agent_id"]}):
        assert api.get(url(**query)).json() == [{"agent_id": "a", "load": 0.5}]
    assert list(api.get(url(fields=",".join(FIELDS))).json()[0]) == FIELDS
    for field in FIELDS:
        [agent] = api.get(url(fields=field)).json()
        assert list(agent) == [field]


def test_the_openapi_document_allows_agents_without_fields(api: APIClient) -> None:
    document = api.get("/schema", headers={"Accept": "application/json"}).json()

    agent = document["components"]["schemas"]["Agent"]
    assert list(agent["properties"]) == FIELDS
    assert "required" not in agent


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ({"fields": "agent_id,secret"}, "fields", "“secret” is unknown. Choose from: agent_id,"),
        ({"fields": "agent_card"}, "fields", "“agent_card” is unknown"),
        (
            {"sort": "tags"},
            "sort",
            "“tags” is unknown. Choose from: agent_id, -agent_id, agent_name",
        ),
        ({"sort": "--load"}, "sort", "“--load” is unknown"),
        ({"sort": "version"}, "sort", "“version” is unknown"),
    ],
)
def test_unknown_fields_are_refused_by_name(
    api: APIClient, query: dict[str, str], name: str, words: str
) -> None:
    errors = refused(api, **query)

    assert list(errors) == [name]
    assert words in errors[name][0]


def test_a_cursor_is_good_for_its_order_only(api: APIClient) -> None:
    AgentFactory.create_batch(3)
    by_load = next_page(api.get(url(sort="load", limit=1)))
    by_id = next_page(api.get(url(limit=1)))
    assert by_load is not None
    assert by_id is not None

    for page, sort in [(by_load, "-load"), (by_load, ""), (by_id, "load"), (by_load, "load,host")]:
        cursor = page.partition("cursor=")[2].partition("&")[0].replace("%3D", "=")
        errors = refused(api, sort=sort, cursor=cursor)
        assert errors == {"cursor": ["Take it from the Link header of the previous page."]}


@pytest.mark.parametrize("sort", ["load", "host", "registered_at", "expires_at", "ttl_seconds"])
@pytest.mark.parametrize(
    "value",
    [None, True, "", "\0", "\ud800", "x" * 9_999, -1, 2**63, 10**300, 1.5, 1e300, [], {}, ["a"]],
)
def test_a_forged_cursor_is_refused_or_a_place(api: APIClient, sort: str, value: Any) -> None:
    AgentFactory.create_batch(2)

    for place in ([sort, value, "a"], [sort, value], [f"{sort},agent_id", value, "a"],
                  [f"{sort},agent_id", value, value], value):  # fmt: skip
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        answer = api.get(url(sort=sort, cursor=cursor))
        assert answer.status_code in {200, 422}
        if answer.status_code == 422:
            assert list(answer.json()["errors"]) == ["cursor"]


def test_filters_apply_to_every_page(api: APIClient, register: Register) -> None:
    for number in range(6):
        register(f"a{number}", version=f"1.{number % 2}", metadata={"even": number % 2 == 0})

    found = pages(
        api, version="<1.1", meta__even="true", sort="-agent_id", limit=2, fields="agent_id"
    )

    assert found == [{"agent_id": "a4"}, {"agent_id": "a2"}, {"agent_id": "a0"}]
