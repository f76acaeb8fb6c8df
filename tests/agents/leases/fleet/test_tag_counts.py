"""Counting agents by tag reads the whole fleet, so a count that takes long is shared."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.leases.fleet import tag_counts
from agents.leases.fleet.tag_counts import TagCount, count_tags, recent_tag_counts
from agents.models import LastTagCount
from tests.agents.passing_time import fleet, time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
TAGS = ["gpu", "eu"]


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share every count, as if it took long; the one made here took 0.2 seconds."""
    monkeypatch.setattr(tag_counts, "LONG_SECONDS", 0.0)
    recent_tag_counts(TAGS)
    LastTagCount.objects.update(seconds=0.2)


def test_each_tag_is_counted_by_lease() -> None:
    AgentFactory.create(tags=["gpu", "eu"])
    AgentFactory.create(tags=["gpu", "gpu-2", "EU"])
    fleet(2, silent_for=70)
    AgentFactory.create(tags=[])

    assert count_tags(["gpu", "eu", "nobody"]) == {
        "gpu": TagCount(2, 0),
        "eu": TagCount(1, 0),
        "nobody": TagCount(0, 0),
    }


def test_without_tags_no_query_is_made() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert recent_tag_counts([]) == {}

    assert not queries.captured_queries


def test_a_quick_count_is_made_each_time_and_nothing_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tag_counts, "LONG_SECONDS", float("inf"))
    for agents in (1, 2):
        AgentFactory.create(tags=["gpu"])
        assert recent_tag_counts(TAGS)["gpu"].alive == agents

    assert not LastTagCount.objects.exists()


@pytest.mark.usefixtures("long")
def test_a_count_that_took_long_is_kept_for_a_hundred_times_as_long() -> None:
    AgentFactory.create(tags=["gpu"], ttl_seconds=600)

    assert recent_tag_counts(TAGS)["gpu"].alive == 0
    time_passes(21)

    assert recent_tag_counts(TAGS)["gpu"].alive == 1


@pytest.mark.usefixtures("long")
def test_a_tag_that_the_last_count_lacks_is_counted_at_once() -> None:
    AgentFactory.create(tags=["new"])

    assert recent_tag_counts([*TAGS, "new"])["new"].alive == 1
    assert recent_tag_counts(["new"])["new"].alive == 1


@pytest.mark.usefixtures("long")
def test_a_count_that_has_become_quick_is_no_longer_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_counts, "LONG_SECONDS", 60.0)
    time_passes(21)

    recent_tag_counts(TAGS)

    assert not LastTagCount.objects.exists()
