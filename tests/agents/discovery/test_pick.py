"""``GET /agents/pick``"""

import json
import math
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from agents import leases
from agents.discovery.pick import AmongSome
from agents.models import AgentRecord
from agents.states import State, Status
from tests.agents.discovery.listing import refused, url
from tests.agents.passing_time import fleet, heartbeats
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

# A test of a correct choice fails less than once in this many runs; or, as the formula is an
# approximation, once in a billion.
ONCE_IN = 1e12
PICK = "/agents/pick"


def picked(api: APIClient, **query: Any) -> str | None:
    answer = api.get(url(PICK, **query))
    if answer.status_code == 404:
        assert answer.headers["Content-Type"] == "application/problem+json"
        return None
    assert answer.status_code == 200, answer.content
    agent_id: str = answer.json()["agent_id"]
    return agent_id


def probability_of_more(chi_squared: float, degrees: int) -> float:
    """Return the chance of a larger value, for an even number of degrees of freedom."""
    half = chi_squared / 2
    return math.exp(-half) * sum(half**i / math.factorial(i) for i in range(degrees // 2))


def assert_even(counts: list[int]) -> None:
    """Assert that these may be counts of equally likely choices, of an odd number."""
    expected = sum(counts) / len(counts)
    chi_squared = sum((count - expected) ** 2 / expected for count in counts)
    assert probability_of_more(chi_squared, len(counts) - 1) > 1 / ONCE_IN, counts


def test_the_one_agent_that_takes_work_is_picked(api: APIClient) -> None:
    AgentFactory.create(agent_id="a", tags=["x"], load=0.9)

    answer = api.get(PICK)

    assert answer.json() == api.get("/agents").json()[0]
    assert "no-store" in answer.headers["Cache-Control"]
    assert picked(api, tag="x") == "a"
    assert api.get(f"{PICK}/").status_code == 200
    assert api.get(url(PICK, fields="host,port")).json() == {"host": "agents.example", "port": 8000}


def test_without_an_agent_the_answer_is_404(api: APIClient) -> None:
    AgentFactory.create(agent_id="a")

    answer = api.get(url(PICK, tag="x"))

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "No matching agent takes work at the moment."


UNFIT: dict[str, dict[str, Any]] = {
    "expired": {"expired": True},
    **{f"{state} by an operator": {"state": state} for state in State if not state.is_default},
    "of a state of a newer version": {"state": "paused"},
    "starting": {"status": Status.STARTING},
    "degraded": {"status": Status.DEGRADED},
    "draining": {"status": Status.DRAINING},
    "of a status of a newer version": {"status": "asleep"},
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT)
def test_agents_that_take_no_work_are_never_picked(api: APIClient, unfit: dict[str, Any]) -> None:
    for number in range(20):
        AgentFactory.create(agent_id=f"unfit-{number}", load=0.0, **unfit)

    assert picked(api) is None
    AgentFactory.create(agent_id="fit", load=1.0)
    assert {picked(api) for _ in range(20)} == {"fit"}


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.READY, Status.BUSY])
def test_agents_that_take_work_are_picked(api: APIClient, status: Status) -> None:
    AgentFactory.create(agent_id="a", status=status)

    assert picked(api) == "a"


def test_a_drained_agent_is_not_picked_until_it_is_resumed(api: APIClient) -> None:
    AgentFactory.create(agent_id="a")
    for state, expected in [("draining", None), ("quarantined", None), ("active", "a")]:
        leases.set_state(agent_id="a", state=state, actor="admin:ada")
        assert picked(api) == expected


def test_the_filters_are_those_of_the_listing(api: APIClient) -> None:
    for number in range(8):
        AgentFactory.create(
            agent_id=f"a{number}",
            version=f"1.{number}",
            metadata={"n": number},
            tags=["even"] if number % 2 == 0 else [],
        )

    found = {picked(api, version=">=1.3,<1.7", tag="even") for _ in range(30)}
    assert found == {"a4", "a6"}
    assert picked(api, meta__n="5") == "a5"
    assert picked(api, state="draining") is None
    assert refused(api, PICK, include_dead="1").keys() == {"include_dead"}
    assert refused(api, PICK, version=">=x").keys() == {"version"}


def test_excluded_agents_are_not_picked(api: APIClient) -> None:
    AgentFactory.create_batch(0)
    for agent_id in "abcd":
        AgentFactory.create(agent_id=agent_id)

    assert {picked(api, exclude="a,b") for _ in range(40)} == {"c", "d"}
    assert picked(api, exclude=["a,b", "c", "unknown"]) == "d"
    assert picked(api, exclude="a,b,c,d") is None
    assert list(refused(api, PICK, exclude="a,b c")) == ["exclude"]


def test_equal_agents_are_picked_equally_often(api: APIClient) -> None:
    ids = fleet(21)

    counts = Counter(picked(api) for _ in range(21 * 15))

    assert_even([counts[agent_id] for agent_id in ids])


@pytest.mark.parametrize("alive", ["all", "half"])
def test_equal_agents_of_a_large_fleet_are_picked_equally_often(api: APIClient, alive: str) -> None:
    ids = fleet(21 * 200)
    # Rows that have moved, and gaps.
    heartbeats(ids[: len(ids) // 3])
    AgentRecord.objects.filter(pk__in=ids[::7]).delete()
    if alive == "half":
        expired = timezone.now() - timedelta(hours=1)
        AgentRecord.objects.filter(pk__in=ids[1::7]).update(last_heartbeat=expired)
    groups = {agent_id: place // 200 for place, agent_id in enumerate(ids)}
    living = Counter(groups[pk] for pk in AgentRecord.objects.alive().values_list("pk", flat=True))

    counts = Counter(groups[str(picked(api, fields="agent_id"))] for _ in range(21 * 15))

    # Groups differ by an agent or two.
    assert max(living.values()) - min(living.values()) <= 2
    assert_even([counts[group] for group in range(21)])


def test_every_row_of_a_table_is_as_likely_as_others_to_be_among_some() -> None:
    ids = fleet(21 * 200)
    heartbeats(ids[: len(ids) // 3])
    AgentRecord.objects.filter(pk__in=ids[::7]).delete()
    groups = {agent_id: place // 200 for place, agent_id in enumerate(ids)}
    counts: Counter[int] = Counter()

    while counts.total() < 5_000:
        some = AgentRecord.objects.filter(AmongSome()).values_list("pk", flat=True)
        counts.update(groups[agent_id] for agent_id in some)

    assert_even([counts[group] for group in range(21)])


def test_the_less_loaded_of_two_is_picked(api: APIClient) -> None:
    AgentFactory.create(agent_id="idle", load=0.1)
    AgentFactory.create(agent_id="busy", load=0.9)

    assert {picked(api) for _ in range(20)} == {"idle"}
    AgentRecord.objects.update(load=1 - F("load"))
    assert {picked(api) for _ in range(20)} == {"busy"}


def test_an_unknown_load_counts_as_a_half(api: APIClient) -> None:
    AgentFactory.create(agent_id="unknown", load=None)
    AgentFactory.create(agent_id="other", load=0.51)

    assert {picked(api) for _ in range(20)} == {"unknown"}
    AgentRecord.objects.filter(pk="other").update(load=0.49)
    assert {picked(api) for _ in range(20)} == {"other"}


def test_an_agent_that_has_missed_heartbeats_is_the_last_choice(api: APIClient) -> None:
    silent = timezone.now() - timedelta(seconds=50)
    AgentFactory.create(agent_id="soon", load=0.0, last_heartbeat=silent, ttl_seconds=70)
    AgentFactory.create(agent_id="soon-2", load=0.0, last_heartbeat=silent, ttl_seconds=70)
    AgentFactory.create(agent_id="well", load=1.0)

    counts = Counter(picked(api, exclude="soon-2") for _ in range(20))

    assert counts == {"well": 20}
    assert picked(api, exclude="well,soon-2") == "soon"


def test_the_choice_follows_load_without_giving_all_to_the_least_loaded(api: APIClient) -> None:
    loads = {agent_id: place / 10 for place, agent_id in enumerate("abcdefghij")}
    for agent_id, load in loads.items():
        AgentFactory.create(agent_id=agent_id, load=load)
    calls = 450

    counts = Counter(picked(api, fields="agent_id") for _ in range(calls))

    # Of ten agents, the one in place n (from 0) is the less loaded of 9 - n in 45 pairs.
    assert counts["j"] == 0
    for place, agent_id in enumerate("abcdefghi"):
        expected = calls * (9 - place) / 45
        # Six and a half standard deviations: less than once in a billion, for ten agents.
        assert abs(counts[agent_id] - expected) < 6.5 * math.sqrt(expected)


def test_a_pick_takes_one_query_in_a_large_fleet_and_two_in_a_small_one(api: APIClient) -> None:
    AgentFactory.create(agent_id="a")
    with CaptureQueriesContext(connection) as queries:
        picked(api)
    assert len(queries) == 2

    fleet(5_000)
    with CaptureQueriesContext(connection) as queries:
        picked(api)
    assert len(queries) == 1


def test_a_rare_agent_of_a_large_fleet_is_found(api: APIClient) -> None:
    ids = fleet(5_000)
    AgentRecord.objects.filter(pk=ids[4_321]).update(tags=["rare"])

    assert picked(api, tag="rare") == ids[4_321]


def test_a_browser_gets_a_page(api: APIClient) -> None:
    AgentFactory.create(agent_id="a")

    answer = api.get(PICK, headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert "&quot;agent_id&quot;: &quot;a&quot;" in answer.content.decode()
    indented = api.get(PICK, headers={"Accept": "application/json; indent=2"}).content
    assert json.loads(indented)["agent_id"] == "a"


def test_no_agent_can_have_the_id_pick(api: APIClient) -> None:
    answer = api.post("/agents/register", {"agent_id": "pick", "host": "h", "port": 1})

    assert answer.status_code == 422
