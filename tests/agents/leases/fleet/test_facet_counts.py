"""Counts of agents by host, version, tag and so on, which all processes share."""

from typing import Any

import pytest

from agents.leases.fleet.facet_counts import (
    MOST_VALUES,
    count_facet,
    count_facets_for_all,
    count_facets_of,
    last_facet_counts,
)
from agents.models import AgentRecord, LastFacetCount
from agents.states import Level
from tests.agents.passing_time import time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def numbers(facet: Any) -> dict[str, int]:
    return {value.value: value.agents for value in facet.values}


def test_each_value_is_counted_by_level() -> None:
    AgentFactory.create(host="a", tags=["eu", "gpu", "eu"], skills=["see"], enrolled_by="key")
    AgentFactory.create(host="a", tags=["eu"], version="1", expired=True)
    AgentFactory.create(host="b", state="draining", status="degraded")

    facets = count_facets_for_all().facets

    assert numbers(facets["host"]) == {"a": 2, "b": 1}
    assert numbers(facets["tag"]) == {"eu": 2, "gpu": 1}
    assert numbers(facets["skill"]) == {"see": 1}
    assert numbers(facets["version"]) == {"1": 1}
    assert numbers(facets["token"]) == {"key": 1}
    assert numbers(facets["condition"]) == {"alive": 1, "expired": 1, "draining": 1}
    assert numbers(facets["state"]) == {"active": 2, "draining": 1}
    assert numbers(facets["status"]) == {"unknown": 2, "degraded": 1}
    [eu, _] = facets["tag"].values
    assert (eu.by_level[Level.OK.rank], eu.by_level[Level.BAD.rank]) == (1, 1)
    assert sum(eu.by_level) == 2


def test_some_agents_are_counted_by_one_query(django_assert_num_queries: Any) -> None:
    agents = AgentFactory.create_batch(5, host="a", tags=["eu"])
    AgentFactory.create(host="b")

    with django_assert_num_queries(1):
        facets = count_facets_of([agent.pk for agent in agents[:3]]).facets

    assert numbers(facets["host"]) == {"a": 3}
    assert numbers(facets["tag"]) == {"eu": 3}


def test_one_facet_of_matching_agents_is_counted_alone() -> None:
    AgentFactory.create(version="1", host="a")
    AgentFactory.create(version="2", host="b")

    assert numbers(count_facet(AgentRecord.objects.filter(host="a"), "version")) == {"1": 1}


def test_the_most_frequent_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_VALUES == 1000
    monkeypatch.setattr("agents.leases.fleet.facet_counts.MOST_VALUES", 2)
    for host, agents in (("b", 1), ("c", 1), ("a", 1), ("d", 2)):
        AgentFactory.create_batch(agents, host=host)

    facet = count_facets_for_all().facets["host"]

    assert list(numbers(facet)) == ["d", "a"]
    assert facet.distinct == 4


def test_the_last_count_is_shared_until_it_is_too_old() -> None:
    AgentFactory.create()
    assert last_facet_counts() is None
    count_facets_for_all()
    LastFacetCount.objects.update(seconds=0.5)
    AgentFactory.create()

    last = last_facet_counts()
    assert last is not None
    assert (last.agents, last.is_due) == (1, False)

    time_passes(51)
    due, beside = last_facet_counts(), last_facet_counts()
    assert due is not None
    assert beside is not None
    # Nobody waits for a long count, and one process makes it.
    assert (due.agents, due.is_due, beside.is_due) == (1, True, False)
    assert due.age > 50

    count_facets_for_all()
    assert (fresh := last_facet_counts()) is not None
    assert fresh.agents == 2


def test_a_quick_count_is_made_at_once() -> None:
    AgentFactory.create()
    count_facets_for_all()
    LastFacetCount.objects.update(seconds=0.01)
    AgentFactory.create()
    time_passes(2)

    assert (last := last_facet_counts()) is not None
    assert (last.agents, last.is_due, last.at) == (2, False, None)
