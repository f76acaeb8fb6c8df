"""PostgreSQL plans queries by what is in the table."""

import pytest
from django.db import connection

from agents.discovery.pick import TRIES, AmongSome
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
