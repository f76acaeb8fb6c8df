"""A heartbeat updates no index: docs/adr/0010-no-index-on-heartbeats.md."""

import pytest
from django.db import connection

from agents import leases
from agents.models import AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

WRITTEN = {"last_heartbeat", "status", "load", "note", "seen_address"}


def test_no_index_has_a_column_that_heartbeats_write() -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, AgentRecord._meta.db_table)
    indexes = {name: set(one["columns"] or ()) for name, one in constraints.items() if one["index"]}

    assert indexes
    assert {name for name, columns in indexes.items() if columns & WRITTEN} == set()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes rows in place")
def test_a_heartbeat_keeps_its_row_in_the_same_page() -> None:
    """That makes it a HOT update, which writes no index."""
    AgentFactory.create_batch(200)
    page = "SELECT agent_id, (ctid::text::point)[0] FROM agents_agentrecord"
    with connection.cursor() as cursor:
        cursor.execute(page)
        before = dict(cursor.fetchall())
        cursor.execute("SELECT COUNT(DISTINCT (ctid::text::point)[0]) FROM agents_agentrecord")
        [pages] = cursor.fetchone()
    assert pages > 3
    one_of_each_page = {number: agent_id for agent_id, number in before.items()}

    for agent_id in one_of_each_page.values():
        leases.renew(agent_id=agent_id, status="ready", load=0.5)

    with connection.cursor() as cursor:
        cursor.execute(page)
        assert dict(cursor.fetchall()) == before
