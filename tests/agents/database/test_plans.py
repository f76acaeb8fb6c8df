"""PostgreSQL plans queries by what is in the table."""

import pytest
from django.db import connection

from agents.discovery.pick import TRIES, AmongSome
from agents.leases import renew
from agents.models import AgentRecord
from tests.agents.passing_time import fleet
from tests.agents.racing import postgresql_only

pytestmark = [pytest.mark.django_db, postgresql_only]


def plan(tag: str) -> str:
    """Return how the first page of the agents with a tag is found."""
    return AgentRecord.objects.with_tags([tag]).order_by("pk")[:50].explain()


def test_agents_with_a_rare_tag_are_not_looked_for_in_the_order_of_their_ids() -> None:
    ids = fleet(20_000)
    AgentRecord.objects.update(tags=["weather"])
    AgentRecord.objects.filter(pk__in=ids[::5_000]).update(tags=["weather", "rare"])
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {AgentRecord._meta.db_table}")

    assert "Index Scan using agents_agentrecord_pkey" in plan("weather")
    assert "Index Scan" not in plan("rare")
    assert AgentRecord.objects.with_tags(["rare"]).count() == 4


def test_some_rows_of_a_large_fleet_are_found_without_reading_it() -> None:
    fleet(20_000)
    some = AgentRecord.objects.filter(AmongSome())

    assert "Tid Scan" in some.explain()
    # A page has room for twenty times as many rows as it has.
    assert 5 <= some.count() <= TRIES


def test_heartbeats_are_planned_once_a_second_not_each_time() -> None:
    [agent_id] = fleet(1)
    for _ in range(10):
        renew(agent_id=agent_id)

    with connection.cursor() as cursor:
        cursor.execute("SELECT SUM(generic_plans), SUM(custom_plans) FROM pg_prepared_statements")
        assert cursor.fetchone() == (10, 0)


def plan_of_heartbeats() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE 'UPDATE%'")
        [(name,)] = cursor.fetchall()
        cursor.execute(f"EXPLAIN EXECUTE {name}({', '.join(['NULL'] * 7)})")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_heartbeats_use_the_index_soon_after_a_fleet_has_grown() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {AgentRecord._meta.db_table}")
        [agent_id] = fleet(1)
        cursor.execute(f"ANALYZE {AgentRecord._meta.db_table}")
    renew(agent_id=agent_id)
    assert "Index Cond" not in plan_of_heartbeats()

    fleet(20_000)
    connection.connection._plans_until = 0
    renew(agent_id=agent_id)
    assert "Index Cond" in plan_of_heartbeats()
