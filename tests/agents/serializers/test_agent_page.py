"""The JSON that the database makes of agents is what AgentSerializer says."""

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

# What databases and the API keep: no NUL, no half of a surrogate pair.
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
TIMES = st.datetimes(
    datetime(2001, 1, 1),  # noqa: DTZ001 - bounds that get the time zone below
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
    """Return JSON such that 1 differs from 1.0, -0.0 from 0.0, and one order of keys from another.

    In metadata a number may be spelt in several ways, so there its value counts.
    """
    agents = value if isinstance(value, list) else [value]
    return [
        [(name, said if name == "metadata" else repr(said)) for name, said in agent.items()]
        for agent in agents
    ]


def as_described() -> Any:
    """Return all agents as the serializer gives them."""
    agents = AgentRecord.objects.with_read_at().order_by("pk")
    return json.loads(JSONRenderer().render(AgentSerializer(agents, many=True).data))


def as_made_by_the_database() -> Any:
    page = read_page(AgentRecord.objects.all(), 1_000)
    return json.loads(f"[{page.body}]")


class TestWhateverTheyAre(TestCase):
    @given(agents=st.lists(AGENTS, min_size=1, max_size=3))
    def test_the_database_says_what_the_serializer_says(self, agents: list[dict[str, Any]]) -> None:
        for number, agent in enumerate(agents):
            AgentFactory.create(agent_id=f"a-{number}", **agent)

        made = as_made_by_the_database()

        assert spelt_out(made) == spelt_out(as_described())
        assert [list(agent) for agent in made] == [FIELDS] * len(agents)

    @given(said=AGENTS)
    def test_the_answer_to_a_registration_is_what_its_serializer_says(
        self, said: dict[str, Any]
    ) -> None:
        AgentFactory.create(agent_id="a", **said)
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
def test_metadata_is_passed_on(metadata: dict[str, Any]) -> None:
    AgentFactory.create(metadata=metadata)

    [made] = as_made_by_the_database()

    assert made["metadata"] == metadata
    assert spelt_out(made) == spelt_out(as_described())


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "2026-01-01T00:00:00.000001Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 120_000, tzinfo=UTC), "2026-01-01T00:00:00.120000Z"),
    ],
)
def test_times_are_as_ever(time: datetime, text: str) -> None:
    AgentFactory.create(last_heartbeat=time, registered_at=time, ttl_seconds=60)

    [made] = as_made_by_the_database()

    assert (made["last_heartbeat"], made["registered_at"]) == (text, text)
    assert made["expires_at"] == text.replace("00:00:00", "00:01:00")


def test_who_is_alive_is_judged_by_the_same_clock() -> None:
    AgentFactory.create(agent_id="alive")
    AgentFactory.create(agent_id="dead")
    # A second more than its lease: SQLite's clock has milliseconds, the factory's microseconds.
    heartbeat = F("last_heartbeat") - timedelta(seconds=61)
    AgentRecord.objects.filter(pk="dead").update(last_heartbeat=heartbeat)

    assert [agent["is_alive"] for agent in as_made_by_the_database()] == [True, False]


def test_a_thousand_agents_come_in_the_order_of_their_ids() -> None:
    ids = [f"{number * 7919 % 1_000:04}" for number in range(1_000)]
    for agent_id in ids:
        AgentFactory.create(agent_id=agent_id)

    page = read_page(AgentRecord.objects.all(), 999)

    made = [agent["agent_id"] for agent in json.loads(f"[{page.body}]")]
    assert made == sorted(ids)[:999]
    assert page.next_after == "0998"
