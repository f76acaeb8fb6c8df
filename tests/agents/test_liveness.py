"""An agent is alive before `expires_at`, and expired from then on: one rule in three places."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.clock import ExpiresAt
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
    """What the model and both questions to the database say."""
    return {
        agent.is_alive(now),
        AgentRecord.objects.alive(now).exists(),
        not AgentRecord.objects.expired(now).exists(),
    }


@boundaries
def test_exactly_when_the_lease_ends_it_is_expired(heartbeat: datetime, ttl: int) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    assert alive_by_each(agent, heartbeat + timedelta(seconds=ttl)) == {False}


@boundaries
def test_a_microsecond_earlier_it_is_alive(heartbeat: datetime, ttl: int) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    assert alive_by_each(agent, heartbeat + timedelta(seconds=ttl) - MICROSECOND) == {True}


@boundaries
def test_the_database_computes_the_same_end_as_the_model(heartbeat: datetime, ttl: int) -> None:
    agent = AgentFactory.create(last_heartbeat=heartbeat, ttl_seconds=ttl)

    annotated = AgentRecord.objects.annotate(ends_at=ExpiresAt()).get()

    assert vars(annotated)["ends_at"] == agent.expires_at == heartbeat + timedelta(seconds=ttl)


def test_without_a_time_the_clock_decides() -> None:
    AgentFactory.create(agent_id="alive")
    AgentFactory.create(agent_id="expired", expired=True)

    assert [agent.pk for agent in AgentRecord.objects.alive()] == ["alive"]
    assert [agent.pk for agent in AgentRecord.objects.expired()] == ["expired"]
    assert AgentRecord.objects.get(pk="alive").is_alive()
    assert not AgentRecord.objects.get(pk="expired").is_alive()


def test_the_clock_is_the_databases() -> None:
    """A second in its favour, since this host's clock may differ by as little from another's."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    AgentFactory.create()

    read_at = vars(AgentRecord.objects.with_read_at().get())["read_at"]

    assert before < read_at < datetime.now(UTC) + timedelta(seconds=1)


def test_the_fleet_is_counted_by_the_same_rule() -> None:
    AgentFactory.create_batch(2)
    AgentFactory.create_batch(3, expired=True)

    count = AgentRecord.objects.count_fleet()

    assert (count.registered, count.active) == (5, 2)
