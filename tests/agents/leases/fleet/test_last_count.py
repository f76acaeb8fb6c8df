"""A small fleet is counted for all who ask; the count of a large one is shared."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agents import leases
from agents.database.clock import DatabaseNow
from agents.leases.fleet import last_count
from agents.leases.fleet.count import Count
from agents.leases.fleet.last_count import LARGE, recent_count
from agents.models import AgentRecord, LastCount
from tests.agents.passing_time import fleet, heartbeats, time_passes
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db

MARGIN = 15  # seconds that a test may take


@pytest.fixture
def large() -> list[str]:
    """A large fleet, whose last count took 0.2 seconds."""
    ids = fleet(LARGE)
    recent_count()
    LastCount.objects.update(seconds=0.2)
    return ids


def counts() -> int:
    """Return how often asking for the count counts the fleet."""
    with CaptureQueriesContext(connection) as queries:
        recent_count()
    return sum("AS kind" in query["sql"] for query in queries.captured_queries)


def test_a_small_fleet_is_counted_each_time_and_nothing_is_stored() -> None:
    for agents in (0, 1, 2):
        fleet(agents)
        assert recent_count().registered == AgentRecord.objects.count()

    assert (recent_count().age, recent_count().at) == (0, None)
    assert not LastCount.objects.exists()


@pytest.mark.parametrize(("seconds", "pause"), [(0.2, 20), (0.4, 40), (0.6, 60), (5, 60)])
def test_the_pause_after_a_count_is_a_hundred_times_its_length_but_at_most_a_minute(
    large: list[str], seconds: float, pause: float
) -> None:
    LastCount.objects.update(seconds=seconds, at=DatabaseNow(), began_at=DatabaseNow())
    time_passes(pause - MARGIN)
    assert counts() == 0

    time_passes(MARGIN)

    assert counts() == 1


def test_the_last_count_of_a_large_fleet_comes_with_its_age(large: list[str]) -> None:
    time_passes(12)
    fleet(1)

    count = recent_count()

    assert count.registered == LARGE
    assert 12 <= count.age < 20
    assert count.at == LastCount.objects.get().at


def test_without_a_worker_agents_that_have_expired_are_counted_as_expired(
    large: list[str],
) -> None:
    time_passes(61)

    assert (recent_count().registered, recent_count().active) == (LARGE, 0)


def test_while_another_process_counts_the_last_count_is_returned(large: list[str]) -> None:
    time_passes(30)
    assert last_count.shared.may_count(20)

    assert counts() == 0
    assert recent_count().age >= 30


def test_a_process_that_died_while_it_counted_delays_the_others_by_one_pause(
    large: list[str],
) -> None:
    time_passes(30)
    assert last_count.shared.may_count(20)
    time_passes(20)

    assert counts() == 1


def test_after_the_clock_was_set_back_the_fleet_is_counted_again(large: list[str]) -> None:
    time_passes(-3600)

    assert counts() == 1


def test_a_sweep_leaves_its_count_for_the_others(large: list[str]) -> None:
    fleet(5, silent_for=30)
    time_passes(30)

    leases.purge_expired()

    assert counts() == 0
    count = recent_count()
    assert count.registered == LARGE + 5
    assert count.age < 20


def test_a_sweep_counts_by_itself_what_it_purges(large: list[str]) -> None:
    fleet(3, silent_for=70)

    assert leases.purge_expired().purged == 3


def test_a_fleet_that_has_become_small_is_counted_each_time_again(large: list[str]) -> None:
    AgentRecord.objects.filter(pk__in=large[: LARGE // 2]).delete()
    leases.purge_expired()

    for agents in (1, 2):
        fleet(1)
        assert recent_count().registered == LARGE // 2 + agents


def test_the_purge_of_a_large_fleet_that_comes_back_is_held_by_a_fresh_count(
    large: list[str],
) -> None:
    time_passes(70)
    assert leases.purge_expired().held == LARGE
    heartbeats()

    assert leases.purge_expired().reason == f"0 of {LARGE:,} agents are silent; 0 purged"


@postgresql_only
@pytest.mark.django_db(transaction=True)
def test_of_processes_that_ask_at_once_one_counts(together: Together) -> None:
    fleet(LARGE)
    recent_count()
    LastCount.objects.update(seconds=0.2)
    time_passes(30)

    ages = sorted(count.age for count in together(*[recent_count] * 8))

    assert ages[0] == 0
    assert ages[1] >= 30


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL locks rows only")
@pytest.mark.django_db(transaction=True)
def test_on_sqlite_the_last_count_is_returned_at_once_while_another_connection_writes() -> None:
    fleet(LARGE)
    recent_count()
    LastCount.objects.update(seconds=0.2)
    time_passes(30)

    def count_in_a_connection_of_its_own() -> Count:
        try:
            return recent_count()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as threads:
        count = threads.submit(count_in_a_connection_of_its_own).result(60)

    assert count.age >= 30
