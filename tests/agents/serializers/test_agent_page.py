"""The JSON of agents made by the database equals that of AgentSerializer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.renderers import JSONRenderer

from agents.models import MAX_PORT, AgentRecord
from agents.serializers.agent import FIELDS, AgentSerializer, RegisteredAgentSerializer
from agents.serializers.agent_page import read_page
from agents.serializers.cached import represent
from agents.states import State, Status
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

# Text that databases and the API accept: no NUL, no lone surrogate.
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
TIMES = st.datetimes(
    datetime(2001, 1, 1),  # noqa: DTZ001 - the time zone is given below
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
AGENTS = st.fixed_dictionaries(
    {
        "agent_name": TEXT,
        "host": TEXT,
        "port": st.integers(1, MAX_PORT),
        "last_heartbeat": TIMES | TIMES.map(lambda time: time.replace(microsecond=0)),
        "registered_at": TIMES,
        "ttl_seconds": st.integers(1, 86_400),
        "metadata": st.dictionaries(TEXT, VALUES, max_size=4),
        "generation": st.integers(1, 2**63 - 1),
        "version": TEXT,
        "tags": st.lists(TEXT, max_size=4),
        "skills": st.lists(TEXT, max_size=4),
        "state": st.sampled_from(State.values),
        "status": st.sampled_from(Status.values),
        "load": st.none() | st.floats(0, 1) | st.sampled_from([0.0, 1.0, -0.0, 1e-7, 5e-324, 0.1]),
        "note": TEXT,
        "seen_address": st.none() | st.ip_addresses().map(str),
    }
)


def spelt_out(value: Any) -> Any:
    """Make 1 differ from 1.0, -0.0 from 0.0, and one order of keys from another.

    In metadata only values count, since a number may be written in several ways.
    """
    agents = value if isinstance(value, list) else [value]
    return [
        [(name, field if name == "metadata" else repr(field)) for name, field in agent.items()]
        for agent in agents
    ]


def by_the_serializer() -> Any:
    """Return all agents as AgentSerializer represents them."""
    agents = AgentRecord.objects.with_read_at().order_by("pk")
    return json.loads(JSONRenderer().render(AgentSerializer(agents, many=True).data))


def by_the_database() -> Any:
    page = read_page(AgentRecord.objects.all(), 1_000)
    return json.loads(f"[{page.body}]")


class TestAnyAgents(TestCase):
    @given(agents=st.lists(AGENTS, min_size=1, max_size=3))
    def test_the_database_makes_the_same_json_as_the_serializer(
        self, agents: list[dict[str, Any]]
    ) -> None:
        for number, agent in enumerate(agents):
            AgentFactory.create(agent_id=f"a-{number}", **agent)

        made = by_the_database()

        assert spelt_out(made) == spelt_out(by_the_serializer())
        assert [list(agent) for agent in made] == [FIELDS] * len(agents)

    @given(fields=AGENTS)
    def test_the_response_to_a_registration_equals_that_of_its_serializer(
        self, fields: dict[str, Any]
    ) -> None:
        AgentFactory.create(agent_id="a", **fields)
        agent = AgentRecord.objects.with_read_at().get()

        answer = JSONRenderer().render(represent(RegisteredAgentSerializer, agent))

        assert answer == JSONRenderer().render(RegisteredAgentSerializer(agent).data)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"a": 1e-7, "b": 1e22, "c": 1.0, "d": -0.0, "e": 10**400, "f": 5e-324},
        {"quote": '"', "backslash": "\\", "line": "\n", "separator": "\u2028", "tag": "</script>"},
        {"ü": {"☂": [None, True, {"": [[]]}]}, "\U0001f600": "\x7f\x01"},
        {"time": "2026-01-01T00:00:00.000000Z", "percent": "%s %% %(a)s"},
    ],
)
def test_metadata_is_reproduced_exactly(metadata: dict[str, Any]) -> None:
    AgentFactory.create(metadata=metadata)

    [made] = by_the_database()

    assert made["metadata"] == metadata
    assert spelt_out(made) == spelt_out(by_the_serializer())


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "2026-01-01T00:00:00.000001Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 120_000, tzinfo=UTC), "2026-01-01T00:00:00.120000Z"),
    ],
)
def test_times_have_the_format_of_the_api(time: datetime, text: str) -> None:
    AgentFactory.create(last_heartbeat=time, registered_at=time, ttl_seconds=60)

    [made] = by_the_database()

    assert (made["last_heartbeat"], made["registered_at"]) == (text, text)
    assert made["expires_at"] == text.replace("00:00:00", "00:01:00")


def test_liveness_is_decided_by_the_databases_clock() -> None:
    AgentFactory.create(agent_id="alive")
    AgentFactory.create(agent_id="dead")
    # A second beyond the lease, since SQLite's clock has only milliseconds.
    heartbeat = F("last_heartbeat") - timedelta(seconds=61)
    AgentRecord.objects.filter(pk="dead").update(last_heartbeat=heartbeat)

    assert [agent["is_alive"] for agent in by_the_database()] == [True, False]


def test_a_page_of_a_thousand_agents_is_in_the_order_of_their_ids() -> None:
    ids = [f"{number * 7919 % 1_000:04}" for number in range(1_000)]
    for agent_id in ids:
        AgentFactory.create(agent_id=agent_id)

    page = read_page(AgentRecord.objects.all(), 999)

    made = [agent["agent_id"] for agent in json.loads(f"[{page.body}]")]
    assert made == sorted(ids)[:999]
    assert page.next_after == ("0998",)
