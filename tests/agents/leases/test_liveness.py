"""An agent is alive before `expires_at` and expired from then on, in Python and in SQL."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.lookups import LessThanOrEqual

from agents.database.clock import DatabaseNow, ExpiresAt, HasExpired
from agents.models import AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

MICROSECOND = timedelta(microseconds=1)
HEARTBEATS = [
    datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 0, 1, tzinfo=UTC),
    datetime(2024, 2, 28, 0, 0, 0, 500_000, tzinfo=UTC),
]
TTLS = [1, 60, 86_400]

boundaries = pytest.mark.parametrize(
    ("heartbeat", "ttl"), [(heartbeat, ttl) for heartbeat in HEARTBEATS for ttl in TTLS]
)


def alive_by_each(agent: AgentRecord, now: datetime) -> set[bool]:
    """Return the answers of the model and of both queries."""
    return {
        agent.is_alive(now),
        AgentRecord.objects.alive(now).exists(),
        not AgentRecord.objects.expired(now).exists(),
    }


@boundaries
def test_an_agent_is_expired_exactly_when_its_lease_ends(heartbeat: datetime, ttl: int) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    assert alive_by_each(agent, heartbeat + timedelta(seconds=ttl)) == {False}


@boundaries
def test_an_agent_is_alive_a_microsecond_before_its_lease_ends(
    heartbeat: datetime, ttl: int
) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    assert alive_by_each(agent, heartbeat + timedelta(seconds=ttl) - MICROSECOND) == {True}


@boundaries
def test_the_database_computes_the_same_end_as_the_model(heartbeat: datetime, ttl: int) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    annotated = AgentRecord.objects.annotate(ends_at=ExpiresAt()).get()

    assert vars(annotated)["ends_at"] == agent.expires_at == heartbeat + timedelta(seconds=ttl)


thirds = pytest.mark.parametrize(
    ("heartbeat", "third"), [(heartbeat, ttl // 3) for heartbeat in HEARTBEATS for ttl in TTLS[1:]]
)


def expires_soon_by_each(agent: AgentRecord, now: datetime) -> set[bool]:
    return {agent.is_expiring_soon(now), AgentRecord.objects.expiring_soon(now).exists()}


@thirds
def test_an_agent_with_exactly_a_third_left_is_not_expiring_soon(
    heartbeat: datetime, third: int
) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=3 * third)

    assert expires_soon_by_each(agent, heartbeat + timedelta(seconds=2 * third)) == {False}


@thirds
def test_an_agent_with_a_microsecond_less_than_a_third_left_is_expiring_soon(
    heartbeat: datetime, third: int
) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=3 * third)

    assert expires_soon_by_each(agent, heartbeat + timedelta(seconds=2 * third) + MICROSECOND) == {
        True
    }


@boundaries
@pytest.mark.parametrize(
    ("before", "soon"), [(MICROSECOND, True), (timedelta(0), False), (-MICROSECOND, False)]
)
def test_an_expired_agent_is_not_expiring_soon(
    heartbeat: datetime, ttl: int, before: timedelta, soon: bool
) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    now = heartbeat + timedelta(seconds=ttl) - before
    assert expires_soon_by_each(agent, now) == {soon}


@pytest.mark.parametrize(
    ("ttl", "last"), [(1, 666_666), (100, 66_666_666), (86_399, 57_599_333_333)]
)
@pytest.mark.parametrize("heartbeat", HEARTBEATS)
def test_the_third_is_exact_even_if_not_a_whole_number_of_microseconds(
    heartbeat: datetime, ttl: int, last: int
) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)
    turn = heartbeat + timedelta(microseconds=last)

    assert expires_soon_by_each(agent, turn) == {False}
    assert expires_soon_by_each(agent, turn + MICROSECOND) == {True}


def test_without_a_given_time_the_current_time_decides() -> None:
    AgentFactory.create(agent_id="alive")
    AgentFactory.create(agent_id="expired", expired=True)
    silent = datetime.now(UTC) - timedelta(seconds=50)
    AgentFactory.create(agent_id="soon", last_heartbeat=silent)

    assert [agent.pk for agent in AgentRecord.objects.expiring_soon()] == ["soon"]
    assert [agent.pk for agent in AgentRecord.objects.alive().order_by("pk")] == ["alive", "soon"]
    assert [agent.pk for agent in AgentRecord.objects.expired()] == ["expired"]
    assert AgentRecord.objects.get(pk="alive").is_alive()
    assert not AgentRecord.objects.get(pk="expired").is_alive()


def test_the_cheap_test_of_a_lease_is_exact_to_the_microsecond() -> None:
    now = datetime.now(UTC)
    for ttl in TTLS:
        for microseconds in (*range(-1_500, 1_500, 499), -999_999, 999_999, -(10**6), 10**6):
            for seconds in range(-2, 3):
                end = now + timedelta(seconds=seconds, microseconds=microseconds)
                AgentFactory.create(last_heartbeat=end - timedelta(seconds=ttl), ttl_seconds=ttl)

    by_both = AgentRecord.objects.values_list(
        HasExpired(), LessThanOrEqual(ExpiresAt(), DatabaseNow())
    )

    assert set(by_both) == {(True, True), (False, False)}


def test_queries_use_the_databases_clock() -> None:
    """The database's clock may differ from this host's by up to a second."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    AgentFactory.create()

    read_at = vars(AgentRecord.objects.with_read_at().get())["read_at"]

    assert before < read_at < datetime.now(UTC) + timedelta(seconds=1)


def test_the_fleet_is_counted_by_the_same_rule() -> None:
    AgentFactory.create_batch(2)
    AgentFactory.create_batch(3, expired=True)

    count = AgentRecord.objects.count_fleet()

    assert (count.registered, count.active) == (5, 2)
